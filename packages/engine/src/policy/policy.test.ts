import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ledger } from '../model/ledger.ts';
import { type Amounts, askFor, resources, workerRow } from '../testing/rows.ts';
import { DEFAULT_PLACEMENT, placementPolicies, placementPolicy } from './registry.ts';
import { RoomTable } from './room-table.ts';

const amounts: fc.Arbitrary<Amounts> = fc.record({
  cpu: fc.nat(40).map((n) => n / 10),
  memory: fc.nat(4),
  storage: fc.nat(2),
  gpu: fc.constantFrom(0, 0, 0.25, 0.6, 1, 2),
});
const size = fc.record({ cpu: fc.nat(8), memory: fc.nat(8), storage: fc.nat(4), gpu: fc.nat(2) });

/** A ledger with some of what was asked for placed on it. */
function ledgerOf(total: Amounts, taken: readonly Amounts[]): Ledger {
  const ledger = new Ledger(workerRow('w', total).capacity!);
  for (const one of taken) if (ledger.fits(resources(one))) ledger.reserve(resources(one));
  return ledger;
}

describe('the registry', () => {
  test('knows every policy by its name, and the default', () => {
    for (const policy of placementPolicies()) expect(placementPolicy(policy.name)).toBe(policy);
    expect(placementPolicies().map(({ name }) => name)).toEqual([
      ...['round-robin', 'random', 'greedy', 'balanced', 'best-fit', 'worst-fit', 'dot-product'],
      ...['gpu-packing', 'gpu-clustering', 'fgd', 'rts', 'ai', 'ai-aggressive', 'learned', 'external'],
    ]);
    expect(placementPolicy(DEFAULT_PLACEMENT)).not.toBe(null);
    expect(placementPolicy('constructor')).toBe(null);
  });
});

describe('the table of a pass', () => {
  test('turns down exactly those that the ledgers turn down', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(size, fc.array(amounts, { maxLength: 3 })), { maxLength: 6 }),
        amounts,
        (workers, asked) => {
          const ledgers = workers.map(([total, taken]) => ledgerOf(total, taken));
          const rows = Int32Array.from(ledgers.keys());
          const count = new RoomTable(ledgers).screen(resources(asked), rows, rows.length);
          const fitting = [...ledgers.keys()].filter((row) => ledgers[row]!.fits(resources(asked)));
          expect([...rows.subarray(0, count)]).toEqual(fitting);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('shows nothing free where a worker came back smaller than what it holds', () => {
    const ledger = ledgerOf({ cpu: 1 }, []);
    ledger.reserveShares(resources({ cpu: 2 }), []);
    const table = new RoomTable([ledger]);
    expect(table.freeCpuMillis[0]).toBe(0);
    expect(table.screen(resources({}), Int32Array.of(0), 1)).toBe(1);
    expect(table.screen(resources({ cpu: 0.001 }), Int32Array.of(0), 1)).toBe(0);
  });
});

for (const policy of placementPolicies()) {
  if (policy.kind !== 'scoring') continue;
  describe(policy.name, () => {
    test('scores within its bounds, however much is placed', () => {
      fc.assert(
        fc.property(size, fc.array(amounts, { maxLength: 6 }), amounts, (total, steps, asked) => {
          const ledger = ledgerOf(total, []);
          const table = new RoomTable([ledger]);
          const scorer = policy.prepare(table);
          let before = Number.POSITIVE_INFINITY;
          for (const step of [resources({}), ...steps.map(resources)]) {
            if (!ledger.fits(step)) continue;
            ledger.reserve(step);
            table.renew(0, ledger);
            scorer.placed?.(0);
            if (!ledger.fits(resources(asked))) return;
            const score = new Float64Array(1);
            scorer.score(askFor(asked), Int32Array.of(0), 1, score);
            expect(Number.isFinite(score[0])).toBe(true);
            if (scorer.spreads) expect(score[0]).toBeLessThanOrEqual(before);
            if (scorer.ceiling !== null) expect(score[0]).toBeLessThanOrEqual(scorer.ceiling[0]!);
            // A scorer that was told of every placement agrees with one that starts now.
            const fresh = new Float64Array(1);
            policy.prepare(new RoomTable([ledger])).score(askFor(asked), Int32Array.of(0), 1, fresh);
            expect(fresh[0]).toBe(score[0]);
            before = score[0]!;
          }
        }),
        { numRuns: 500 },
      );
    });
  });
}

describe('balanced', () => {
  test('is 1 − the fullest resource with the task on it', () => {
    const policy = placementPolicy('balanced')!;
    if (policy.kind !== 'scoring') throw new Error('balanced scores');
    const headroom = (total: Amounts, taken: Amounts, asked: Amounts) =>
      policy.prepare(new RoomTable([ledgerOf(total, [taken])])).parts(askFor(asked), 0).headroom;
    expect(headroom({ cpu: 4, memory: 8 }, {}, {})).toBe(1);
    expect(headroom({ cpu: 4, memory: 8 }, {}, { cpu: 1 })).toBe(0.75);
    expect(headroom({ cpu: 4, memory: 8 }, { memory: 4 }, { cpu: 1 })).toBe(0.5);
    expect(headroom({ cpu: 4, memory: 8 }, { memory: 4 }, { cpu: 1, memory: 4 })).toBe(0);
    expect(headroom({ cpu: 4, gpu: 2 }, { gpu: 0.5 }, { gpu: 1 })).toBe(0.25);
    expect(headroom({ cpu: 4, storage: 10 }, {}, { storage: 9 })).toBeCloseTo(0.1, 12);
  });
});
