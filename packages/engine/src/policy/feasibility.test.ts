import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ledger } from '../model/ledger.ts';
import type { Worker } from '../model/worker.ts';
import { type Amounts, GIB, resources, roomOf, specRow, workerRow } from '../testing/rows.ts';
import { couldEverFit, firstObstacle, fits, insufficientMessage, obstacles } from './feasibility.ts';

function messages(amounts: Amounts, worker: Worker, taken: Amounts = {}): string[] {
  const { ledger } = roomOf(worker);
  ledger.reserve(resources(taken));
  return obstacles(specRow(amounts), worker, ledger).map((obstacle) => obstacle.message);
}

describe('too little room', () => {
  test('A0-7: 2 CPU available, 3 required', () => {
    expect(messages({ cpu: 3 }, workerRow('w', { cpu: 4 }), { cpu: 2 })).toEqual([
      'Insufficient CPU: worker has 2.00 available, task requires 3.00',
    ]);
  });

  test('A0-7: every resource that is short, in order, memory and storage in GB', () => {
    const worker = workerRow('w', { cpu: 2, memory: 4, storage: 10, gpu: 1, custom: { licence: 1 } });
    expect(messages({ cpu: 2.5, memory: 8, storage: 10.5, gpu: 2, custom: { licence: 3, fpga: 1 } }, worker)).toEqual([
      'Insufficient CPU: worker has 2.00 available, task requires 2.50',
      'Insufficient Memory: worker has 4.00 GB available, task requires 8.00 GB',
      'Insufficient Storage: worker has 10.00 GB available, task requires 10.50 GB',
      'Insufficient GPU: worker has 1.00 available, task requires 2.00',
      'Insufficient fpga: worker has 0 available, task requires 1',
      'Insufficient licence: worker has 1 available, task requires 3',
    ]);
  });

  test('a small difference shows', () => {
    expect(insufficientMessage('memory', 4 * GIB - 1024, 4 * GIB)).toBe(
      'Insufficient Memory: worker has 3.999999 GB available, task requires 4.000000 GB',
    );
    expect(insufficientMessage('cpu', -1000, 500)).toBe(
      'Insufficient CPU: worker has 0.00 available, task requires 0.50',
    );
  });

  test('the numbers come along in the unit of the resource', () => {
    const { worker, ledger } = roomOf(workerRow('w', { cpu: 4, memory: 4 }));
    ledger.reserve(resources({ cpu: 2 }));
    expect(obstacles(specRow({ cpu: 3 }), worker, ledger)).toMatchObject([
      { kind: 'insufficient', resource: 'cpu', available: 2000, required: 3000, capacity: 4000 },
    ]);
  });

  test('GPUs that are free in sum only', () => {
    const worker = workerRow('w', { gpu: 2 });
    const { ledger } = roomOf(worker);
    ledger.reserve(resources({ gpu: 0.6 }));
    ledger.reserve(resources({ gpu: 0.6 }));
    expect(obstacles(specRow({ gpu: 0.5 }), worker, ledger)).toEqual([
      {
        kind: 'gpu_fragmented',
        message: 'GPU fragmented: worker has 0.80 available, at most 0.40 on one device, task requires 0.50 on one',
      },
    ]);
    const other = roomOf(workerRow('w', { gpu: 3 })).ledger;
    for (let i = 0; i < 2; i++) other.reserve(resources({ gpu: 0.6 }));
    expect(obstacles(specRow({ gpu: 2 }), workerRow('w', { gpu: 3 }), other)).toMatchObject([{ kind: 'insufficient' }]);
    expect(obstacles(specRow({ gpu: 1 }), workerRow('w', { gpu: 3 }), other)).toEqual([]);
  });
});

describe('the wrong worker, or the right one in bad shape', () => {
  const spec = specRow({ cpu: 1 });
  const refusal = (rest: Partial<Worker>) => {
    const worker = workerRow('w-1', { cpu: 4 }, rest);
    return obstacles(spec, worker, new Ledger(workerRow('w-1', { cpu: 4 }).capacity!))[0];
  };

  test.each([
    [
      { state: 'registered', connected: false, capacity: null },
      'not_connected',
      'Worker w-1 is not active: it has not connected yet',
    ],
    [{ connected: false }, 'not_connected', 'Worker w-1 is not active: it is not connected'],
    [
      { state: 'suspect' },
      'suspect',
      'Worker w-1 is not active: it is silent, and nothing is placed on it until it answers',
    ],
    [{ state: 'lost', connected: false }, 'not_connected', 'Worker w-1 is not active: it was lost'],
    [{ state: 'revoked' }, 'not_connected', 'Worker w-1 is not active: it was unregistered'],
    [{ drain: { since: 1, deadlineAt: null, reason: 'new disk' } }, 'draining', 'Worker w-1 is draining (new disk)'],
    [{ unhealthy: 'Docker does not answer' }, 'unhealthy', 'Worker w-1 can not run tasks: Docker does not answer'],
  ] as const)('%j', (rest, kind, message) => {
    expect(refusal(rest)).toEqual({ kind, message });
  });

  test('another target', () => {
    const { worker, ledger } = roomOf(workerRow('w-1', { cpu: 1 }));
    expect(obstacles(specRow({ cpu: 9 }, { targetWorker: 'w-2' }), worker, ledger)).toEqual([
      { kind: 'not_target', message: 'Task runs on worker w-2 only' },
    ]);
    expect(fits(specRow({ cpu: 1 }, { targetWorker: 'w-1' }), worker, ledger)).toBe(true);
  });

  test('labels: those an operator gave win over those the worker reports', () => {
    const worker = workerRow(
      'w-1',
      { cpu: 4 },
      { detectedLabels: { zone: 'a', arch: 'arm64' }, labels: { zone: 'b' } },
    );
    const { ledger } = roomOf(worker);
    expect(fits(specRow({}, { selector: { zone: 'b', arch: 'arm64' } }), worker, ledger)).toBe(true);
    expect(obstacles(specRow({}, { selector: { zone: 'a', disk: 'ssd' } }), worker, ledger)).toEqual([
      { kind: 'label_mismatch', message: 'Task requires disk=ssd, worker w-1 has no such label' },
      { kind: 'label_mismatch', message: 'Task requires zone=a, worker w-1 has zone=b' },
    ]);
    expect(fits(specRow({}, { selector: { constructor: 'x' } }), worker, ledger)).toBe(false);
  });

  test('avoided workers are named as such', () => {
    const { worker, ledger } = roomOf(workerRow('w-1', { cpu: 4 }));
    expect(obstacles(spec, worker, ledger, 'lost')).toMatchObject([{ kind: 'avoided' }]);
  });
});

describe('whether it could ever fit', () => {
  test('depends on size, target and labels, not on load or health', () => {
    const worker = workerRow(
      'w',
      { cpu: 4, memory: 8, gpu: 1 },
      { drain: { since: 0, deadlineAt: null, reason: null } },
    );
    expect(couldEverFit(specRow({ cpu: 4, memory: 8, gpu: 1 }), worker)).toBe(true);
    expect(couldEverFit(specRow({ cpu: 4.001 }), worker)).toBe(false);
    expect(couldEverFit(specRow({ gpu: 2 }), worker)).toBe(false);
    expect(couldEverFit(specRow({}, { targetWorker: 'v' }), worker)).toBe(false);
    expect(couldEverFit(specRow({}, { selector: { zone: 'a' } }), worker)).toBe(false);
    expect(couldEverFit(specRow({}), workerRow('w', {}, { capacity: null }))).toBe(false);
  });
});

describe('the predicate, the first obstacle and the list of obstacles', () => {
  const amounts: fc.Arbitrary<Amounts> = fc.record({
    cpu: fc.nat(4),
    memory: fc.nat(4),
    gpu: fc.constantFrom(0, 0.5, 0.6, 1, 2),
    custom: fc.constantFrom({}, { a: 1 }, { b: 2, a: 1 }),
  });
  const condition: fc.Arbitrary<Partial<Worker>> = fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    fc.constantFrom<Partial<Worker>>(
      { state: 'suspect', unhealthy: 'x' },
      { connected: false },
      { labels: { zone: 'a' } },
      { drain: { since: 0, deadlineAt: null, reason: null } },
    ),
  );

  test('never disagree', () => {
    fc.assert(
      fc.property(
        amounts,
        fc.array(amounts, { maxLength: 4 }),
        condition,
        fc.constantFrom({}, { zone: 'a' }),
        fc.constantFrom(null, 'w', 'v'),
        (request, taken, rest, selector, targetWorker) => {
          const worker = workerRow('w', { cpu: 4, memory: 4, gpu: 2, custom: { a: 2, b: 1 } }, rest);
          const { ledger } = roomOf(worker);
          for (const one of taken) if (ledger.fits(resources(one))) ledger.reserve(resources(one));
          const spec = specRow(request, { selector, targetWorker });
          const found = obstacles(spec, worker, ledger);
          const first = found[0]?.kind === 'insufficient' ? found[0].resource : (found[0]?.kind ?? null);
          expect(fits(spec, worker, ledger)).toBe(found.length === 0);
          expect(firstObstacle(spec, worker, ledger)).toBe(first);
          if (found.length === 0) expect(couldEverFit(spec, worker)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
