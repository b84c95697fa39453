import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Amounts, gpuDevice, resources, workerRow } from '../testing/rows.ts';
import { gpuProblem } from './gpu.ts';
import { Ledger } from './ledger.ts';
import { add, type GpuShare, type Resources, subtract, ZERO } from './resources.ts';

function ledgerOf(amounts: Amounts): Ledger {
  return new Ledger(workerRow('w', amounts).capacity!);
}

describe('a worker with 4 CPU and 8 GB', () => {
  test('A0-2: at first everything is available', () => {
    const ledger = ledgerOf({ cpu: 4, memory: 8 });
    expect(ledger.allocated).toEqual(ZERO);
    expect(ledger.available()).toEqual(resources({ cpu: 4, memory: 8 }));
  });

  test('A0-T1: takes two tasks of 2 CPU and 4 GB and is full', () => {
    const ledger = ledgerOf({ cpu: 4, memory: 8 });
    const task = resources({ cpu: 2, memory: 4 });
    ledger.reserve(task);
    expect(ledger.allocated).toEqual(task);
    expect(ledger.available()).toEqual(task);
    ledger.reserve(task);
    expect(ledger.allocated).toEqual(resources({ cpu: 4, memory: 8 }));
    expect(ledger.available()).toEqual(ZERO);
    expect(ledger.fits(resources({ cpu: 0.001 }))).toBe(false);
  });

  test('D-22: labs fit until one asks for more than is left', () => {
    const ledger = ledgerOf({ cpu: 8, memory: 16 });
    for (const [cpu, memory] of [
      [1, 2],
      [2, 4],
      [1.5, 3],
    ] as const)
      ledger.reserve(resources({ cpu, memory }));
    expect(ledger.firstLacking(resources({ cpu: 4, memory: 8 }))).toBe('cpu');
    expect(ledgerOf({ cpu: 4, memory: 8 }).fits(resources({ cpu: 8, memory: 16 }))).toBe(false);
  });

  test('a reservation that does not fit throws and changes nothing', () => {
    const ledger = ledgerOf({ cpu: 4, memory: 8 });
    expect(() => ledger.reserve(resources({ cpu: 1, memory: 9 }))).toThrow('more than is free: memory');
    expect(ledger.allocated).toEqual(ZERO);
  });

  test('A0-10: what was released can not be released again', () => {
    const ledger = ledgerOf({ cpu: 4, memory: 8, gpu: 1, custom: { licence: 1 } });
    const task = resources({ cpu: 2, memory: 4, gpu: 0.5, custom: { licence: 1 } });
    const shares = ledger.reserve(task);
    ledger.release(task, shares);
    expect(ledger.allocated).toEqual(ZERO);
    expect(() => ledger.release(task, shares)).toThrow('only 0 is held');
    expect(ledger.allocated).toEqual(ZERO);
    expect(ledger.available()).toEqual(ledger.capacity.resources);
  });

  test('a copy and its original do not share anything', () => {
    const ledger = ledgerOf({ cpu: 4, gpu: 2, custom: { licence: 2 } });
    const copy = ledger.clone();
    copy.reserve(resources({ cpu: 1, gpu: 1, custom: { licence: 1 } }));
    expect(ledger.allocated).toEqual(ZERO);
    expect(copy.allocated).toEqual(resources({ cpu: 1, gpu: 1, custom: { licence: 1 } }));
  });
});

describe('GPUs', () => {
  test('a share goes to the fullest device that has room, and to the lowest number among equals', () => {
    const ledger = ledgerOf({ gpu: 3 });
    expect(ledger.reserve(resources({ gpu: 0.5 }))).toEqual([{ index: 0, millis: 500 }]);
    expect(ledger.reserve(resources({ gpu: 0.7 }))).toEqual([{ index: 1, millis: 700 }]);
    expect(ledger.reserve(resources({ gpu: 0.3 }))).toEqual([{ index: 1, millis: 300 }]);
    expect(ledger.reserve(resources({ gpu: 0.3 }))).toEqual([{ index: 0, millis: 300 }]);
    expect(ledger.reserve(resources({ gpu: 0.3 }))).toEqual([{ index: 2, millis: 300 }]);
  });

  test('whole devices are those that nobody uses', () => {
    const ledger = ledgerOf({ gpu: 4 });
    ledger.reserve(resources({ gpu: 0.1 }));
    expect(ledger.reserve(resources({ gpu: 2 }))).toEqual([
      { index: 1, millis: 1000 },
      { index: 2, millis: 1000 },
    ]);
    expect(ledger.firstLacking(resources({ gpu: 2 }))).toBe('gpu');
  });

  test('enough in sum but not on one device is fragmented', () => {
    const ledger = ledgerOf({ gpu: 2 });
    const shares = ledger.reserve(resources({ gpu: 0.6 }));
    ledger.reserve(resources({ gpu: 0.6 }));
    expect(ledger.firstLacking(resources({ gpu: 0.5 }))).toBe('gpu_fragmented');
    ledger.release(resources({ gpu: 0.6 }), shares);
    expect(ledger.fits(resources({ gpu: 0.5 }))).toBe(true);
    expect(ledger.firstLacking(resources({ gpu: 2 }))).toBe('gpu');
  });

  test('devices keep the numbers that the worker gave them', () => {
    const ledger = new Ledger({ resources: resources({ gpu: 2 }), gpus: [gpuDevice(5), gpuDevice(2)] });
    expect(ledger.reserve(resources({ gpu: 1 }))).toEqual([{ index: 2, millis: 1000 }]);
    expect(ledger.reserve(resources({ gpu: 1 }))).toEqual([{ index: 5, millis: 1000 }]);
  });

  test('without a device list the total is cut into devices', () => {
    const ledger = new Ledger({ resources: resources({ gpu: 1.5 }), gpus: [] });
    expect(ledger.fits(resources({ gpu: 1 }))).toBe(true);
    ledger.reserve(resources({ gpu: 1 }));
    expect(ledger.reserve(resources({ gpu: 0.5 }))).toEqual([{ index: 1, millis: 500 }]);
  });

  test('a request is a share below 1 or whole devices', () => {
    expect([0, 1, 999, 1000, 8000].map(gpuProblem)).toEqual([null, null, null, null, null]);
    expect(gpuProblem(1500)).toBe(
      'GPU request 1.50 can not be served: ask for a share below 1 or for whole devices, such as 1 or 2',
    );
    expect(gpuProblem(-1)).not.toBe(null);
    expect(gpuProblem(Number.NaN)).not.toBe(null);
    expect(ledgerOf({ gpu: 4 }).fits(resources({ gpu: 1.5 }))).toBe(false);
  });

  test('shares that do not add up to the request are refused', () => {
    const ledger = ledgerOf({ gpu: 2 });
    expect(() => ledger.reserveShares(resources({ gpu: 1 }), [])).toThrow('add up to 0');
  });
});

describe('a worker that came back smaller', () => {
  test('holds what its attempts hold and takes nothing new until they end', () => {
    const ledger = ledgerOf({ cpu: 2, gpu: 1 });
    const held = resources({ cpu: 3, gpu: 1 });
    const shares: GpuShare[] = [{ index: 1, millis: 1000 }];
    ledger.reserveShares(held, shares);
    expect(ledger.overcommitted).toBe(true);
    expect(ledger.allocated).toEqual(held);
    expect(ledger.available()).toEqual(resources({ cpu: -1 }));
    expect(ledger.fits(resources({ cpu: 0.001 }))).toBe(false);
    expect(ledger.fits(ZERO)).toBe(true);
    ledger.release(held, shares);
    expect(ledger.overcommitted).toBe(false);
    expect(ledger.fits(resources({ cpu: 2, gpu: 1 }))).toBe(true);
  });

  test('nothing is placed on a device that is gone', () => {
    const ledger = ledgerOf({ gpu: 1 });
    ledger.reserveShares(resources({ gpu: 0.5 }), [{ index: 7, millis: 500 }]);
    ledger.release(resources({ gpu: 0.5 }), [{ index: 7, millis: 500 }]);
    expect(ledger.reserve(resources({ gpu: 0.5 }))).toEqual([{ index: 0, millis: 500 }]);
    expect(ledger.firstLacking(resources({ gpu: 1 }))).toBe('gpu');
  });
});

describe('any sequence of reservations and releases', () => {
  const request: fc.Arbitrary<Resources> = fc
    .record({
      cpu: fc.nat(40).map((n) => n / 10),
      memory: fc.nat(4),
      gpu: fc.constantFrom(0, 0, 0.25, 0.5, 0.6, 1, 2),
      custom: fc.constantFrom({}, {}, { licence: 1 }),
    })
    .map(resources);
  const steps = fc.array(fc.oneof(fc.record({ take: request }), fc.record({ giveBack: fc.nat() })), { maxLength: 60 });

  test('I1: allocated is what live reservations hold, never over capacity, by device and in sum', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const ledger = ledgerOf({ cpu: 16, memory: 16, gpu: 3, custom: { licence: 2 } });
        const live: { request: Resources; shares: readonly GpuShare[] }[] = [];
        for (const step of sequence) {
          if ('take' in step) {
            if (ledger.fits(step.take)) live.push({ request: step.take, shares: ledger.reserve(step.take) });
            else expect(() => ledger.reserve(step.take)).toThrow();
          } else if (live.length > 0) {
            const [ended] = live.splice(step.giveBack % live.length, 1);
            ledger.release(ended!.request, ended!.shares);
          }
          const held = live.reduce((sum, { request }) => add(sum, request), ZERO);
          expect(ledger.allocated).toEqual(held);
          expect(subtract(ledger.capacity.resources, ledger.available())).toEqual(held);
          expect(ledger.overcommitted).toBe(false);
          checkDevices(live.flatMap(({ shares }) => shares));
          const rebuilt = new Ledger(ledger.capacity);
          for (const { request, shares } of live) rebuilt.reserveShares(request, shares);
          expect(rebuilt.available()).toEqual(ledger.available());
          expect(rebuilt.largestFreeGpuMillis).toBe(ledger.largestFreeGpuMillis);
          expect(rebuilt.wholeFreeGpus).toBe(ledger.wholeFreeGpus);
        }
      }),
      { numRuns: 200 },
    );
  });

  function checkDevices(shares: readonly GpuShare[]): void {
    const used = [0, 0, 0];
    for (const share of shares) used[share.index]! += share.millis;
    for (const millis of used) expect(millis).toBeLessThanOrEqual(1000);
  }
});
