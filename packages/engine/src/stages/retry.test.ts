import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scenario } from '../testing/index.ts';
import { backoff } from './retry.ts';

describe('failures of the task itself', () => {
  it(
    'are final unless the user gave a budget',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      cluster.effects();
      w1.ended(id, 'exit_nonzero');
      expect(cluster.task(id)).toMatchObject({ state: 'failed', userFailures: 1, infraFailures: 0 });
    }),
  );

  it(
    'are tried again as often as the user allowed, then the last one counts',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit({ retry: { limit: 2 } });
      w1.ended(id, 'exit_nonzero', { exitCode: 1 });
      w1.ended(id, 'oom');
      expect(cluster.task(id)).toMatchObject({ state: 'assigned', fence: 3, userFailures: 2 });
      w1.ended(id, 'exit_nonzero', { exitCode: 7 });
      expect(cluster.task(id)).toMatchObject({ state: 'failed', reason: 'exit_nonzero', exitCode: 7, userFailures: 3 });
      expect(cluster.effects()).toEqual(['start t1/1 on w1', 'start t1/2 on w1', 'start t1/3 on w1']);
      expect(cluster.timeline(id).filter((kind) => kind === 'task_retrying')).toHaveLength(2);
    }),
  );

  it(
    'wait longer each time, and say so',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit({ retry: { limit: 3, backoffMs: 1_000, factor: 3, maxMs: 5_000 } });
      for (const wait of [1_000, 3_000, 5_000]) {
        w1.ended(id, 'exit_nonzero');
        expect(cluster.task(id)).toMatchObject({ state: 'pending', eligibleAt: cluster.now + wait });
        expect(cluster.task(id).message).toContain(`next try in ${wait / 1000} s`);
        cluster.advance(wait);
        expect(cluster.state(id)).toBe('assigned');
      }
      cluster.effects();
    }),
  );

  it(
    'only of the exit codes and reasons that the rule names',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 4 });
      const codes = { limit: 1, exitCodes: [75] };
      const [yes, no, oom] = [
        cluster.submit({ retry: codes }),
        cluster.submit({ retry: codes }),
        cluster.submit({ retry: { limit: 1, reasons: ['oom'] } }),
      ];
      w1.ended(yes, 'exit_nonzero', { exitCode: 75 });
      w1.ended(no, 'exit_nonzero', { exitCode: 1 });
      w1.ended(oom, 'exit_nonzero');
      expect([yes, no, oom].map((id) => cluster.state(id))).toEqual([
        'assigned',
        'failed(exit_nonzero)',
        'failed(exit_nonzero)',
      ]);
      cluster.effects();
    }),
  );

  it.each(['image_error', 'command_error', 'log_limit'] as const)(
    '%s is the same the next time: final unless named',
    (reason) =>
      scenario((cluster) => {
        const w1 = cluster.worker('w1', { cpu: 4, memory: 4 });
        const plain = cluster.submit({ retry: { limit: 1 } });
        const named = cluster.submit({ retry: { limit: 1, reasons: [reason] } });
        w1.ended(plain, reason);
        w1.ended(named, reason);
        expect(cluster.state(plain)).toBe(`failed(${reason})`);
        expect(cluster.state(named)).toBe('assigned');
        cluster.effects();
      })(),
  );
});

describe('failures of the cluster', () => {
  it.each(['external', 'daemon_restart', 'start_error'] as const)('%s never costs the user (I14)', (reason) =>
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit({ retry: { limit: 1 } });
      w1.run(id);
      w1.ended(id, reason);
      expect(cluster.task(id)).toMatchObject({ state: 'pending', userFailures: 0, infraFailures: 1 });
      expect(cluster.attempt(id).state).toBe('lost');
      cluster.effects();
    })(),
  );

  it(
    'are tried again five times with growing waits, then the reason of the last one stands',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      for (const wait of [1_000, 2_000, 4_000, 8_000, 16_000]) {
        w1.ended(id, 'start_error');
        expect(cluster.task(id).eligibleAt).toBe(cluster.now + wait);
        cluster.advance(wait);
      }
      w1.ended(id, 'daemon_restart');
      expect(cluster.task(id)).toMatchObject({ state: 'failed', reason: 'daemon_restart', infraFailures: 6, fence: 6 });
      cluster.effects();
    }),
  );

  it(
    'and of the task are counted apart',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit({ retry: { limit: 1 } });
      w1.ended(id, 'external');
      cluster.advance(1_000);
      w1.ended(id, 'exit_nonzero');
      w1.ended(id, 'external');
      cluster.advance(2_000);
      expect(cluster.task(id)).toMatchObject({ state: 'assigned', userFailures: 1, infraFailures: 2 });
      w1.ended(id, 'exit_nonzero');
      expect(cluster.state(id)).toBe('failed(exit_nonzero)');
      cluster.effects();
    }),
  );
});

describe('a worker that has just failed a task', () => {
  it(
    'is passed over while another one has room',
    scenario((cluster) => {
      cluster.apply({ kind: 'useScheduler', placement: 'greedy', by: 'admin' });
      const bad = cluster.worker('bad', { cpu: 64, memory: 64 });
      cluster.worker('good', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      bad.ended(id, 'start_error');
      cluster.advance(1_000);
      expect(cluster.attempt(id)).toMatchObject({ number: 2, workerId: 'good' });
      expect(cluster.attempt(id).placedBy).toMatch(/^greedy\/1: .*; not bad, where it failed$/);
      cluster.effects();
    }),
  );

  it(
    'and gets it again when there is no other',
    scenario((cluster) => {
      const bad = cluster.worker('bad', { cpu: 1, memory: 1 });
      const full = cluster.worker('full', { cpu: 1, memory: 1 });
      const [id, other] = [cluster.submit(), cluster.submit()];
      full.run(other);
      bad.ended(id, 'start_error');
      cluster.advance(1_000);
      expect(cluster.attempt(id)).toMatchObject({ number: 2, workerId: 'bad' });
      cluster.effects();
    }),
  );

  it(
    'whose failure was the task’s own is as good as any',
    scenario((cluster) => {
      cluster.apply({ kind: 'useScheduler', placement: 'greedy', by: 'admin' });
      const big = cluster.worker('big', { cpu: 64, memory: 64 });
      cluster.worker('small', { cpu: 1, memory: 1 });
      const id = cluster.submit({ retry: { limit: 1 } });
      big.ended(id, 'exit_nonzero');
      expect(cluster.attempt(id)).toMatchObject({ number: 2, workerId: 'big' });
      cluster.effects();
    }),
  );
});

it(
  'a task that is tried again keeps its place by age, and the next attempt a number of its own (I5)',
  scenario((cluster) => {
    const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
    const [first, second] = [cluster.submit({ retry: { limit: 1 } }), cluster.submit()];
    w1.ended(first, 'exit_nonzero');
    expect(cluster.attempt(first)).toMatchObject({ number: 2, state: 'assigned' });
    expect(cluster.state(second)).toBe('queued');
    expect(cluster.engine.attempt(first, 1)).toMatchObject({ state: 'failed' });
    cluster.effects();
  }),
);

it('the back-off grows from the first to the largest and never beyond', () => {
  fc.assert(
    fc.property(
      fc.nat(50),
      fc.nat(10_000),
      fc.double({ min: 1, max: 4, noNaN: true }),
      fc.nat(100_000),
      (n, first, factor, most) => {
        const waits = [1, 2, 3].map((more) => backoff(n + more, first, factor, most));
        expect(waits).toEqual([...waits].sort((a, b) => a - b));
        expect(waits.every((wait) => Number.isSafeInteger(wait) && wait <= most)).toBe(true);
      },
    ),
  );
});
