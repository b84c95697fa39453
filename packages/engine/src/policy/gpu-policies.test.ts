import { describe, expect, test } from 'vitest';
import { Ledger } from '../model/ledger.ts';
import { type Amounts, askFor, gpuDevice, resources, workerRow } from '../testing/rows.ts';
import { Fragmentation } from './fragmentation.ts';
import type { Knowledge, Scorer, TypicalRequest } from './policy.ts';
import { placementPolicy } from './registry.ts';
import { RoomTable } from './room-table.ts';

/** A worker with 8 GPUs and 96 cores, as most of openb are, with something on it. */
function ledger(taken: readonly Amounts[], total: Amounts = { cpu: 96, memory: 400, gpu: 8 }): Ledger {
  const made = new Ledger(workerRow('w', total).capacity!);
  for (const one of taken) made.reserve(resources(one));
  return made;
}

function typical(amounts: Amounts, count: number, gpuModels: readonly string[] = []): TypicalRequest {
  return { request: resources(amounts), gpuModels, count };
}

function scorerOf(name: string, ledgers: readonly Ledger[], demand: readonly TypicalRequest[] = []): Scorer {
  const policy = placementPolicy(name)!;
  if (policy.kind !== 'scoring') throw new Error(`${name} does not score`);
  const knowledge: Knowledge = { demand, now: 0 };
  return policy.prepare(new RoomTable(ledgers), knowledge);
}

function scores(
  name: string,
  asked: Amounts,
  ledgers: readonly Ledger[],
  demand?: readonly TypicalRequest[],
): number[] {
  const out = new Float64Array(ledgers.length);
  scorerOf(name, ledgers, demand).score(askFor(asked), Int32Array.from(ledgers.keys()), ledgers.length, out);
  return [...out];
}

describe('best-fit, worst-fit and dot-product', () => {
  const ledgers = [ledger([]), ledger([{ cpu: 48, gpu: 4 }])];

  test('score what is left, cut to whole numbers', () => {
    // Left: 95 of 96 cores and 7 of 8 GPUs; 47 and 3.
    expect(scores('best-fit', { cpu: 1, gpu: 1 }, ledgers)).toEqual([6, 56]);
    expect(scores('worst-fit', { cpu: 1, gpu: 1 }, ledgers)).toEqual([93, 43]);
    expect(scores('dot-product', { cpu: 48, gpu: 4 }, ledgers)).toEqual([50, 75]);
  });

  test('look at memory where there are no GPUs', () => {
    const plain = [ledger([], { cpu: 10, memory: 10 }), ledger([{ memory: 5 }], { cpu: 10, memory: 10 })];
    expect(scores('best-fit', {}, plain)).toEqual([0, 25]);
  });

  test('worst-fit takes the emptiest device', () => {
    const one = ledger([{ gpu: 0.5 }], { cpu: 8, gpu: 2 });
    expect(scorerOf('worst-fit', [one]).device!(askFor({ gpu: 0.2 }), 0)).toBe(1);
  });
});

describe('gpu-packing', () => {
  test('a used device, then free ones of a used worker, then an idle worker', () => {
    const ledgers = [ledger([{ gpu: 0.6 }]), ledger([{ gpu: 0.9 }]), ledger([])];
    expect(scores('gpu-packing', { gpu: 0.3 }, ledgers)).toEqual([96, 49, 25]);
    expect(scores('gpu-packing', { gpu: 2 }, ledgers)).toEqual([48, 48, 25]);
    expect(scores('gpu-packing', { cpu: 1 }, ledgers)).toEqual([0, 0, 0]);
  });
});

describe('gpu-clustering', () => {
  test('its kind alone, among others, nobody, others only', () => {
    const ledgers = [ledger([{ gpu: 0.5 }]), ledger([{ gpu: 0.5 }, { gpu: 1 }]), ledger([]), ledger([{ gpu: 2 }])];
    expect(scores('gpu-clustering', { gpu: 0.3 }, ledgers)).toEqual([76, 54, 25, 6]);
    expect(scores('gpu-clustering', { gpu: 2 }, ledgers)).toEqual([1, 4, 25, 81]);
  });
});

describe('fragmentation', () => {
  test('all that is free is one for a request that does not fit, the small rests for one that does', () => {
    const table = new RoomTable([ledger([{ gpu: 0.7 }, { gpu: 6 }])]);
    // Free: 0.3, and one whole device.
    const of = (demand: readonly TypicalRequest[]) => new Fragmentation(table, demand).of(0);
    expect(of([typical({ cpu: 1, gpu: 0.2 }, 1)])).toBe(0);
    expect(of([typical({ cpu: 1, gpu: 0.5 }, 1)])).toBe(300);
    expect(of([typical({ cpu: 1, gpu: 2 }, 1)])).toBe(1300);
    expect(of([typical({ cpu: 97, gpu: 0.2 }, 1)])).toBe(1300);
    expect(of([typical({ cpu: 1 }, 1)])).toBe(1300);
    expect(of([typical({ cpu: 1, gpu: 0.5 }, 3), typical({ cpu: 1, gpu: 2 }, 1)])).toBe(0.75 * 300 + 0.25 * 1300);
    expect(of([])).toBe(0);
  });

  test('a worker without the models asked for is of no use', () => {
    const table = new RoomTable([ledger([])]);
    expect(new Fragmentation(table, [typical({ gpu: 1 }, 1, ['A100'])]).of(0)).toBe(8000);
    expect(new Fragmentation(table, [typical({ gpu: 1 }, 1, ['A100', gpuDevice(0).model])]).of(0)).toBe(0);
  });

  test('what is asked for rarely does not count', () => {
    const table = new RoomTable([ledger([])]);
    expect(new Fragmentation(table, [typical({ gpu: 1 }, 96), typical({ gpu: 16 }, 4)]).of(0)).toBe(0);
  });
});

describe('fgd', () => {
  const demand = [typical({ cpu: 1, gpu: 1 }, 1)];

  test('fills a rest that nobody can use before it breaks a whole device', () => {
    const ledgers = [ledger([{ gpu: 0.5 }]), ledger([])];
    // The rest goes from 0.5 to 0.2 of a device; on the other worker one of 0.7 is left over.
    const sigmoid = (x: number) => Math.trunc(100 / (1 + Math.exp(-x)));
    expect(scores('fgd', { cpu: 1, gpu: 0.3 }, ledgers, demand)).toEqual([sigmoid(0.3), sigmoid(-0.7)]);
    expect(scorerOf('fgd', ledgers, demand).device!(askFor({ cpu: 1, gpu: 0.3 }), 0)).toBe(0);
  });

  test('knowing nothing of the demand, all workers are alike', () => {
    expect(scores('fgd', { cpu: 1, gpu: 1 }, [ledger([]), ledger([{ gpu: 0.5 }])])).toEqual([50, 50]);
  });
});
