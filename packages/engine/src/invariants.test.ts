import { env } from 'node:process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RejectionCode } from './command.ts';
import { Chaos, type Move } from './testing/chaos.ts';
import { hashState } from './testing/index.ts';
import { ATTEMPT_MOVES, TASK_MOVES, WORKER_MOVES } from './transitions.ts';

/** `CHAOS_SEED=n` repeats a failure, `CHAOS_SHRINK=1` then looks for fewer moves (minutes), `CHAOS_RUNS=n` goes on longer. */
const SEED = Number(env.CHAOS_SEED ?? 1_973);
const RUNS = Number(env.CHAOS_RUNS ?? 800);
const MOVES = 300;

it('keeps every invariant whatever happens, replays to the same state and reloads to the same state', () => {
  let steps = 0;
  const seen = new Set<string>();
  // A counterexample with fewer moves is worth the search, one with smaller numbers is not.
  const move = fc.noShrink(fc.tuple(fc.nat(10_000), fc.nat(10_000), fc.nat(10_000)));
  const moves = fc.array<Move>(move, { maxLength: MOVES, size: 'max' });
  const property = fc.property(moves, (sequence) => {
    const chaos = new Chaos(seen);
    for (const one of sequence) chaos.move(one);
    chaos.restart();
    steps += chaos.log.length;
    chaos.heal();
    expect(chaos.replay()).toBe(hashState(chaos.engine));
  });
  fc.assert(property, {
    seed: SEED,
    numRuns: RUNS,
    endOnFailure: env.CHAOS_SHRINK === undefined,
    reporter: (run) => {
      if (!run.failed) return;
      const command = `CHAOS_SEED=${run.seed} CHAOS_SHRINK=1 npx vitest run packages/engine/src/invariants.test.ts`;
      const what = `${String(run.errorInstance)}\n\n${fc.defaultReportMessage(run)}\n\nReplay: ${command}`;
      throw new Error(what, { cause: run.errorInstance });
    },
  });
  if (RUNS < 800) return;
  expect(steps).toBeGreaterThanOrEqual(100_000);
  // A random test proves nothing about what it never met.
  expect(allMoves().filter((move) => !seen.has(move))).toEqual([]);
  expect(CODES.filter((code) => !seen.has(code))).toEqual([]);
  expect([...seen]).toEqual(expect.arrayContaining(['room made', 'gang called back']));
}, 600_000);

function allMoves(): string[] {
  const tables = { task: TASK_MOVES, attempt: ATTEMPT_MOVES, worker: WORKER_MOVES };
  return Object.entries(tables).flatMap(([what, moves]) =>
    Object.entries(moves).flatMap(([from, to]: [string, readonly string[]]) =>
      to.map((state) => `${what} ${from} → ${state}`),
    ),
  );
}

/** Those of commands that the moves contain; users and tokens have cases of their own. */
const CODES: readonly RejectionCode[] = [
  'invalid_argument',
  'task_unknown',
  'task_ended',
  'task_not_waiting',
  'dependency_unknown',
  'dependency_failed',
  'idempotency_conflict',
  'queue_full',
  'insufficient_resources',
  'worker_exists',
  'worker_unknown',
  'worker_not_registered',
  'worker_not_active',
  'worker_revoked',
  'worker_busy',
  'join_token_invalid',
  'certificate_superseded',
  'duplicate_identity',
  'fenced',
  'scheduler_unknown',
];
