import { describe, expect, it } from 'vitest';
import { GIB, scenario } from './testing/index.ts';

describe('the way of a task', () => {
  it(
    'goes from submit to its end and gives the resources back',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit({ cpu: 2, memory: 4 });
      expect(cluster.effects()).toEqual(['start t1/1 on w1']);
      expect(cluster.state(id)).toBe('assigned');
      w1.starting(id);
      expect(cluster.attempt(id).state).toBe('starting');
      w1.running(id);
      expect(cluster.state(id)).toBe('running');
      expect(w1.ended(id)).toEqual({ ok: true, kind: 'reported', accepted: true });
      expect(cluster.state(id)).toBe('completed(exit_zero)');
      expect(cluster.task(id)).toMatchObject({ exitCode: 0, endedAt: cluster.now });
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 4000 });
      expect(cluster.timeline(id)).toEqual([
        'task_submitted',
        'task_assigned',
        'task_starting',
        'task_running',
        'task_completed',
      ]);
    }),
  );

  it(
    'a run so short that only its end is reported counts all the same',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      cluster.effects();
      w1.ended(id);
      expect(cluster.state(id)).toBe('completed(exit_zero)');
    }),
  );

  it(
    'workers take turns, and the turn survives a restart of the master',
    scenario((cluster) => {
      const workers = ['w3', 'w2', 'w1'].map((id) => cluster.worker(id, { cpu: 4, memory: 4 }));
      cluster.submit();
      cluster.restart();
      for (const worker of workers) worker.connect();
      cluster.submit();
      cluster.submit();
      cluster.submit();
      const placed = [1, 2, 3, 4].map((n) => cluster.attempt(`t${n}`).workerId);
      expect(placed).toEqual(['w1', 'w2', 'w3', 'w1']);
      cluster.effects();
    }),
  );
});

describe('seed 000: resource availability tracking', () => {
  it(
    'A0-2: at registration nothing is allocated and everything is available',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 4, memory: 8, storage: 20, gpu: 1 });
      expect(cluster.allocated('w1')).toEqual({
        cpuMillis: 0,
        memoryBytes: 0,
        storageBytes: 0,
        gpuMillis: 0,
        custom: {},
      });
      expect(cluster.available('w1')).toEqual(cluster.row('w1').capacity!.resources);
    }),
  );

  it(
    'A0-T1: two tasks of 2 CPU and 4 GB fill a worker of 4 CPU and 8 GB',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 4, memory: 8 });
      cluster.submit({ cpu: 2, memory: 4, targetWorker: 'w1' });
      expect(cluster.allocated('w1')).toMatchObject({ cpuMillis: 2000, memoryBytes: 4 * GIB });
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 2000, memoryBytes: 4 * GIB });
      cluster.submit({ cpu: 2, memory: 4, targetWorker: 'w1' });
      expect(cluster.allocated('w1')).toMatchObject({ cpuMillis: 4000, memoryBytes: 8 * GIB });
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 0, memoryBytes: 0 });
      expect(cluster.effects()).toEqual(['start t1/1 on w1', 'start t2/1 on w1']);
    }),
  );

  it(
    'A0-T2: a task of 3 CPU for a worker with 2 available is refused with both numbers',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 4, memory: 8 });
      cluster.submit({ cpu: 2, memory: 1 });
      cluster.effects();
      expect(cluster.trySubmit({ cpu: 3, targetWorker: 'w1' })).toEqual({
        ok: false,
        code: 'insufficient_resources',
        message: 'Insufficient CPU: worker has 2.00 available, task requires 3.00',
        taskIndex: 0,
      });
      expect(cluster.engine.counts()).toMatchObject({ queued: 0, assigned: 1 });
    }),
  );

  it(
    'A0-T2: without a named worker the same task is queued, and the same sentence says why it waits',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 2, memory: 8 });
      const id = cluster.submit({ cpu: 3 });
      expect(cluster.state(id)).toBe('queued');
      expect(cluster.task(id).message).toBe('Insufficient CPU: worker has 2.00 available, task requires 3.00');
      expect(cluster.engine.explain(id, cluster.now)!.summary).toBe(cluster.task(id).message);
    }),
  );

  it.each([['A0-T3: completion', 'exit_zero'] as const, ['A0-T4: failure', 'exit_nonzero'] as const])(
    '%s frees 2 CPU and 4 GB; available is the total minus the other tasks',
    (_, reason) =>
      scenario((cluster) => {
        const w1 = cluster.worker('w1', { cpu: 8, memory: 16 });
        const id = cluster.submit({ cpu: 2, memory: 4 });
        cluster.submit({ cpu: 1, memory: 1 });
        cluster.effects();
        w1.run(id);
        expect(cluster.available('w1')).toMatchObject({ cpuMillis: 5000, memoryBytes: 11 * GIB });
        w1.ended(id, reason);
        expect(cluster.available('w1')).toMatchObject({ cpuMillis: 7000, memoryBytes: 15 * GIB });
      })(),
  );

  it(
    'A0-T5: of two 8-CPU workers with 6 and 2 allocated the operator sees 2 and 6 available',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 8, memory: 16 });
      cluster.worker('w2', { cpu: 8, memory: 16 });
      cluster.submit({ cpu: 6, targetWorker: 'w1' });
      cluster.submit({ cpu: 2, targetWorker: 'w2' });
      cluster.effects();
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 2000 });
      expect(cluster.available('w2')).toMatchObject({ cpuMillis: 6000 });
    }),
  );

  it(
    'A0-10: a repeated report of the end does not release twice',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit({ cpu: 2 });
      cluster.submit({ cpu: 1 });
      cluster.effects();
      w1.ended(id);
      expect(w1.ended(id)).toEqual({ ok: true, kind: 'reported', accepted: false });
      expect(cluster.allocated('w1')).toMatchObject({ cpuMillis: 1000 });
    }),
  );

  it(
    'A0-13, E-10: after a restart of the master what runs is still accounted for',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit({ cpu: 3 });
      cluster.effects();
      w1.run(id);
      cluster.restart();
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 1000 });
      w1.connect({ found: [{ taskId: id, attempt: 1, phase: 'running', startedAt: cluster.now }] });
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 1000 });
      expect(cluster.state(id)).toBe('running');
    }),
  );
});

/** The thirteen cases of the first registry, in its order. */
describe('seed 001: worker registry (A1-16)', () => {
  it(
    '1 new: a cluster begins without workers and reservations',
    scenario((cluster) => {
      expect(cluster.engine.workers()).toEqual([]);
      expect(cluster.engine.counts()).toMatchObject({ assigned: 0, running: 0 });
    }),
  );

  it(
    '2 heartbeat: a first hello adds the worker, a heartbeat moves its last sign of life and nothing else',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      expect(cluster.timeline('w1')).toEqual(['worker_added', 'worker_joined', 'worker_connected']);
      cluster.submit({ cpu: 3 });
      cluster.effects();
      const row = cluster.row('w1');
      cluster.now += 3_000;
      expect(w1.heartbeat()).toEqual({ ok: true, kind: 'done' });
      expect(cluster.engine.lastSeenAt('w1')).toBe(cluster.now);
      expect(cluster.row('w1')).toBe(row);
      // E-20: the seed's heartbeat replaced the free amounts and silently undid reservations.
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 1000 });
    }),
  );

  it(
    '3 invalid heartbeat: an unknown worker, an unknown session and an empty id are refused',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      expect(w1.heartbeat(null, 7)).toMatchObject({ ok: false, code: 'fenced' });
      const unknown = { kind: 'heartbeatWorker', workerId: '', session: 1, unhealthy: null } as const;
      expect(cluster.apply(unknown)).toMatchObject({ ok: false, code: 'worker_not_registered' });
    }),
  );

  it(
    '4 snapshot: what was read does not change with the state',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const before = cluster.engine.snapshot();
      const copy = structuredClone(before);
      const id = cluster.submit();
      cluster.effects();
      w1.run(id);
      w1.disconnect();
      expect(before).toEqual(copy);
    }),
  );

  it(
    '5 reserve and release: the amounts go and come back',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 8, memory: 16, gpu: 2 });
      const id = cluster.submit({ cpu: 4, memory: 8, gpu: 1 });
      cluster.effects();
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 4000, memoryBytes: 8 * GIB, gpuMillis: 1000 });
      expect(cluster.attempt(id).gpus).toEqual([{ index: 0, millis: 1000 }]);
      w1.ended(id);
      expect(cluster.available('w1')).toEqual(cluster.row('w1').capacity!.resources);
    }),
  );

  it(
    '6 insufficient: CPU is named first, then memory, then GPU',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 2, memory: 4, gpu: 1 });
      const message = (options: Parameters<typeof cluster.trySubmit>[0]) => {
        const reply = cluster.trySubmit({ ...options, targetWorker: 'w1' });
        return reply.ok ? '' : reply.message;
      };
      expect(message({ cpu: 3, memory: 5, gpu: 2 })).toBe(
        'Insufficient CPU: worker has 2.00 available, task requires 3.00',
      );
      expect(message({ memory: 5, gpu: 2 })).toBe(
        'Insufficient Memory: worker has 4.00 GB available, task requires 5.00 GB',
      );
      expect(message({ gpu: 2 })).toBe('Insufficient GPU: worker has 1.00 available, task requires 2.00');
      expect(cluster.trySubmit({ cpu: 2, memory: 4, gpu: 1, targetWorker: 'w1' }).ok).toBe(true);
      expect(cluster.effects()).toHaveLength(1);
    }),
  );

  it(
    '7 unknown worker: the refusal names it',
    scenario((cluster) => {
      expect(cluster.trySubmit({ targetWorker: 'w9' })).toMatchObject({
        code: 'worker_unknown',
        message: 'Worker w9 not found',
      });
    }),
  );

  it(
    '8 release of what is not reserved: a report about an attempt that never was changes nothing',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit();
      cluster.effects();
      expect(w1.ended(id, 'exit_zero', { attempt: 2 })).toMatchObject({ accepted: false });
      expect(w1.ended('nobody', 'exit_zero', { attempt: 1 })).toMatchObject({ accepted: false });
      expect(cluster.allocated('w1')).toMatchObject({ cpuMillis: 1000 });
      expect(cluster.state(id)).toBe('assigned');
    }),
  );

  it(
    '9 subscribe: every change is an event, once, in order and without a gap',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      w1.disconnect();
      const sequences = cluster.sink.events.map((event) => event.sequence);
      expect(sequences).toEqual(sequences.map((_, index) => index + 1));
      expect(cluster.timeline('w1').at(-1)).toBe('worker_disconnected');
    }),
  );

  it(
    '10 stale: with a limit of 60 s a worker silent for 120 s is lost, one silent for 30 s is not',
    scenario(
      (cluster) => {
        cluster.worker('old', { cpu: 1, memory: 1 }).fallSilent();
        cluster.advance(90_000);
        cluster.worker('young', { cpu: 1, memory: 1 }).fallSilent();
        cluster.advance(30_000);
        expect(cluster.row('old').state).toBe('lost');
        expect(cluster.row('young').state).toBe('suspect');
        expect(cluster.effects()).toEqual(['close old/1: fenced']);
      },
      { lostMs: 60_000, startGraceMs: 0 },
    ),
  );

  it(
    '11 expired: a reservation that nobody confirms for its 10 ms is given back',
    scenario(
      (cluster) => {
        cluster.worker('w1', { cpu: 4, memory: 8 });
        const id = cluster.submit({ cpu: 4 });
        expect(cluster.effects()).toEqual(['start t1/1 on w1']);
        cluster.advance(10);
        expect(cluster.effects()).toEqual(['stop t1/1 on w1: withdrawn']);
        expect(cluster.attempt(id)).toMatchObject({ state: 'superseded', reason: 'withdrawn' });
        expect(cluster.available('w1')).toMatchObject({ cpuMillis: 4000 });
      },
      { reservationTtlMs: 10 },
    ),
  );

  it(
    '12 many at once: ten reservations and their releases leave nothing behind',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 10, memory: 10 });
      const ids = Array.from({ length: 10 }, () => cluster.submit({ cpu: 1, memory: 1 }));
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 0, memoryBytes: 0 });
      for (const id of ids) w1.ended(id);
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 10_000, memoryBytes: 10 * GIB });
      expect(cluster.effects()).toHaveLength(10);
    }),
  );

  it(
    '13 several: two tasks with a GPU each fit, the third does not for want of a GPU',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 16, memory: 32, gpu: 2 });
      cluster.submit({ cpu: 4, gpu: 1 });
      cluster.submit({ cpu: 4, gpu: 1 });
      expect(cluster.trySubmit({ cpu: 4, gpu: 1, targetWorker: 'w1' })).toMatchObject({
        code: 'insufficient_resources',
        message: 'Insufficient GPU: worker has 0.00 available, task requires 1.00',
      });
      cluster.effects();
    }),
  );
});
