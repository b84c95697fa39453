import { describe, expect, it } from 'vitest';
import { scenario } from '../testing/index.ts';

const CHANGED = { ok: true, kind: 'cancelled', changed: true };
const UNCHANGED = { ok: true, kind: 'cancelled', changed: false };

describe('cancel ends at once what holds nothing (E-24)', () => {
  it(
    'queued',
    scenario((cluster) => {
      const id = cluster.submit();
      expect(cluster.cancel(id)).toEqual(CHANGED);
      expect(cluster.task(id)).toMatchObject({
        state: 'cancelled',
        endedAt: cluster.now,
        message: 'Cancelled by ann.',
      });
    }),
  );

  it(
    'pending for a parent, a time or a back-off',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const child = cluster.submit({ dependsOn: [cluster.submit()] });
      const later = cluster.submit({ startAfter: cluster.now + 1_000 });
      const again = cluster.submit({ retry: { limit: 1, backoffMs: 5_000 } });
      w1.ended(again, 'exit_nonzero');
      cluster.effects();
      for (const id of [child, later, again]) {
        expect(cluster.state(id)).toBe('pending');
        expect(cluster.cancel(id)).toEqual(CHANGED);
        expect(cluster.state(id)).toBe('cancelled(cancelled_by_user)');
      }
      cluster.advance(10_000);
      expect(cluster.state(again)).toBe('cancelled(cancelled_by_user)');
    }),
  );
});

describe('cancel asks the worker to stop what lives', () => {
  it.each(['assigned', 'starting', 'running'] as const)('%s', (phase) =>
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit({ cpu: 4 });
      cluster.effects();
      if (phase !== 'assigned') w1.starting(id);
      if (phase === 'running') w1.running(id);
      expect(cluster.cancel(id)).toEqual(CHANGED);
      expect(cluster.effects()).toEqual(['stop t1/1 on w1: cancelled_by_user']);
      expect(cluster.task(id)).toMatchObject({
        state: phase === 'running' ? 'running' : 'assigned',
        cancelRequested: true,
      });
      expect(cluster.attempt(id)).toMatchObject({ state: 'stopping', stopReason: 'cancelled_by_user' });
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 0 });
      w1.ended(id, 'cancelled_by_user');
      expect(cluster.task(id)).toMatchObject({ state: 'cancelled', message: 'Cancelled by ann.' });
      expect(cluster.attempt(id).state).toBe('cancelled');
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 4000 });
    })(),
  );

  it(
    'a process that exits with 0 because it was stopped is cancelled',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit();
      w1.run(id);
      cluster.cancel(id);
      w1.ended(id, 'cancelled_by_user', { exitCode: 0 });
      expect(cluster.task(id)).toMatchObject({ state: 'cancelled', exitCode: 0 });
      cluster.effects();
    }),
  );

  it.each([
    ['exit_zero', 'completed(exit_zero)'],
    ['exit_nonzero', 'failed(exit_nonzero)'],
    ['oom', 'failed(oom)'],
  ] as const)('one that ended by itself (%s) before the stop keeps its end', (reason, state) =>
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit({ retry: { limit: 5 } });
      w1.run(id);
      cluster.cancel(id);
      w1.ended(id, reason);
      expect(cluster.state(id)).toBe(state);
      cluster.effects();
    })(),
  );

  it(
    'one that the cluster loses meanwhile is cancelled and not tried again',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit();
      w1.run(id);
      cluster.cancel(id);
      w1.ended(id, 'daemon_restart');
      expect(cluster.state(id)).toBe('cancelled(cancelled_by_user)');
      cluster.effects();
    }),
  );

  it(
    'a stop that never arrives is asked for again at the next hello',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit();
      w1.run(id);
      cluster.cancel(id);
      w1.disconnect();
      cluster.effects();
      w1.connect({ found: [{ taskId: id, attempt: 1, phase: 'running', startedAt: cluster.now }] });
      expect(cluster.effects()).toEqual(['stop t1/1 on w1: cancelled_by_user']);
      w1.ended(id, 'cancelled_by_user');
      expect(cluster.state(id)).toBe('cancelled(cancelled_by_user)');
    }),
  );

  it(
    'of a silent worker is settled when the worker is lost',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit();
      cluster.advance(60_000);
      w1.run(id);
      w1.fallSilent();
      cluster.advance(15_000);
      expect(cluster.attempt(id).state).toBe('unknown');
      expect(cluster.cancel(id)).toEqual(CHANGED);
      expect(cluster.attempt(id)).toMatchObject({ state: 'unknown', stopReason: 'cancelled_by_user' });
      cluster.advance(20_000);
      expect(cluster.state(id)).toBe('cancelled(cancelled_by_user)');
      expect(cluster.attempt(id)).toMatchObject({ state: 'lost', reason: 'worker_lost' });
      cluster.effects();
    }),
  );
});

describe('cancel while the worker is out of reach (C2-5)', () => {
  it(
    'is done for the user at once, while the attempt holds what it holds until the worker has stopped it',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit({ cpu: 4 });
      w1.run(id);
      w1.disconnect();
      expect(cluster.cancel(id)).toEqual(CHANGED);
      expect(cluster.state(id)).toBe('cancelled(cancelled_by_user)');
      expect(cluster.attempt(id)).toMatchObject({ state: 'stopping', stopReason: 'cancelled_by_user' });
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 0 });
      cluster.effects();

      w1.connect({ found: [{ taskId: id, attempt: 1, phase: 'running', startedAt: cluster.now }] });
      expect(cluster.effects()).toEqual(['stop t1/1 on w1: cancelled_by_user']);
      expect(w1.ended(id, 'exit_zero')).toMatchObject({ accepted: true });
      expect(cluster.state(id)).toBe('cancelled(cancelled_by_user)');
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 4000 });
    }),
  );

  it(
    'survives a restart of the master in between',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit({ cpu: 4 });
      w1.run(id);
      w1.disconnect();
      cluster.cancel(id);
      cluster.restart();
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 0 });
      cluster.effects();
      w1.connect({ found: [{ taskId: id, attempt: 1, phase: 'running', startedAt: cluster.now }] });
      expect(cluster.effects()).toEqual(['stop t1/1 on w1: cancelled_by_user']);
    }),
  );

  it(
    'frees everything when the worker comes back without it, or not at all',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const w2 = cluster.worker('w2', { cpu: 4, memory: 8 });
      const [first, second] = [cluster.submit({ cpu: 4 }), cluster.submit({ cpu: 4 })];
      w1.run(first);
      w2.run(second);
      for (const worker of [w1, w2]) worker.disconnect();
      for (const id of [first, second]) cluster.cancel(id);
      w1.connect();
      expect(cluster.attempt(first).state).toBe('cancelled');
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 4000 });
      cluster.advance(60_001);
      expect(cluster.attempt(second)).toMatchObject({ state: 'lost', reason: 'worker_lost' });
      expect(cluster.available('w2')).toMatchObject({ cpuMillis: 4000 });
      expect(cluster.state(second)).toBe('cancelled(cancelled_by_user)');
      cluster.effects();
    }),
  );

  it(
    'is not forgotten while the attempt lives',
    scenario(
      (cluster) => {
        const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
        const id = cluster.submit({ cpu: 4 });
        w1.run(id);
        w1.disconnect();
        cluster.cancel(id);
        cluster.advance(20_000);
        expect(cluster.engine.task(id)).not.toBeNull();
        w1.connect();
        cluster.advance(20_000);
        expect(cluster.engine.task(id)).toBeNull();
        cluster.effects();
      },
      { endedMemoryMs: 10_000 },
    ),
  );
});

describe('cancel changes nothing', () => {
  it(
    'the second time',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit();
      w1.run(id);
      cluster.cancel(id);
      cluster.effects();
      expect(cluster.cancel(id)).toEqual(UNCHANGED);
    }),
  );

  it(
    'after the end (F27)',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit();
      cluster.effects();
      w1.ended(id);
      expect(cluster.cancel(id)).toEqual(UNCHANGED);
      expect(cluster.state(id)).toBe('completed(exit_zero)');
    }),
  );

  it(
    'for an unknown task',
    scenario((cluster) => {
      expect(cluster.cancel('nobody')).toMatchObject({ ok: false, code: 'task_unknown' });
    }),
  );
});
