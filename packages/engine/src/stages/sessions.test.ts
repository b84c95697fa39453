import { describe, expect, it } from 'vitest';
import { capacity, scenario } from '../testing/index.ts';

describe('hello', () => {
  it(
    'of an unknown worker is refused with the command that would admit it (A3-2)',
    scenario((cluster) => {
      const w1 = cluster.joined('w1', { cpu: 1, memory: 1 });
      expect(w1.connect({ workerId: 'w9' })).toEqual({
        ok: false,
        code: 'worker_not_registered',
        message: 'Worker w9 is not authorized. Admin must register it first using: register w9 <ip:port>',
      });
    }),
  );

  it(
    'with another certificate than the newest is refused (E-42)',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      cluster.apply({ kind: 'renewWorker', workerId: 'w1', certificateSerial: 'newer', renews: 'serial-w1' });
      expect(w1.connect()).toMatchObject({ code: 'certificate_superseded' });
      expect(w1.connect({ certificateSerial: 'newer' })).toMatchObject({ ok: true, session: 2 });
      cluster.effects();
    }),
  );

  it(
    'with nonsense as a capacity is refused',
    scenario((cluster) => {
      const w1 = cluster.joined('w1', { cpu: 1, memory: 1 });
      expect(w1.connect({ capacity: capacity({ cpu: -1 }) })).toMatchObject({ code: 'invalid_argument' });
      const twice = capacity({ cpu: 1, gpu: 2 });
      const gpus = [twice.gpus[0]!, twice.gpus[0]!];
      expect(w1.connect({ capacity: { ...twice, gpus } })).toMatchObject({ code: 'invalid_argument' });
    }),
  );

  it(
    'begins a new session each time; the address that the admin gave stays (E-1, A3-4)',
    scenario((cluster) => {
      const w1 = cluster.joined('w1', { cpu: 1, memory: 1 });
      cluster.apply({ ...registration('w1'), address: '10.0.0.7:50052', renew: true });
      cluster.apply({ kind: 'joinWorker', workerId: 'w1', joinTokenHash: 'hash-w1', certificateSerial: 'serial-w1' });
      expect(w1.connect({ remoteAddress: '192.168.1.1:40000' })).toMatchObject({ session: 1 });
      w1.disconnect();
      expect(w1.connect()).toMatchObject({ session: 2 });
      expect(cluster.row('w1')).toMatchObject({
        address: '10.0.0.7:50052',
        remoteAddress: null,
        session: 2,
        state: 'active',
      });
    }),
  );

  it(
    'of the same process closes its older connection',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      expect(w1.connect()).toMatchObject({ session: 2 });
      expect(cluster.effects()).toEqual(['close w1/1: fenced']);
      expect(w1.heartbeat(null, 1)).toMatchObject({ code: 'fenced' });
    }),
  );

  it(
    'a late goodbye of an older session changes nothing',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      w1.connect();
      w1.disconnect(1);
      expect(cluster.row('w1').connected).toBe(true);
      cluster.effects();
    }),
  );
});

describe('two processes with one identity (F20)', () => {
  it(
    'the later one wins once, the other is told why; then none more for a minute',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      expect(w1.connect({ incarnation: 'clone' })).toMatchObject({ ok: true, session: 2 });
      expect(cluster.effects()).toEqual(['close w1/1: duplicate_identity']);
      expect(w1.connect()).toMatchObject({ ok: false, code: 'duplicate_identity' });
      expect(cluster.timeline('w1').filter((kind) => kind === 'worker_duplicate')).toHaveLength(2);
      cluster.advance(59_000);
      expect(w1.connect()).toMatchObject({ code: 'duplicate_identity' });
      cluster.advance(1_000);
      expect(w1.connect()).toMatchObject({ ok: true, session: 3 });
      expect(cluster.effects()).toEqual(['close w1/2: duplicate_identity']);
    }),
  );

  it(
    'a restart of the process is not a clone once its old connection is gone or silent',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      w1.disconnect();
      expect(w1.connect({ incarnation: 'second' }).ok).toBe(true);
      w1.fallSilent();
      cluster.advance(10_000);
      expect(w1.connect({ incarnation: 'third' }).ok).toBe(true);
      expect(cluster.effects()).toEqual(['close w1/2: fenced']);
      expect(cluster.timeline('w1')).not.toContain('worker_duplicate');
    }),
  );
});

describe('what the worker found', () => {
  it(
    'it goes on with what both know; anything else is to be abandoned',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 2, memory: 2 });
      const id = cluster.submit();
      cluster.effects();
      w1.run(id);
      w1.disconnect();
      const found = [
        { taskId: id, attempt: 1, phase: 'running', startedAt: cluster.now },
        { taskId: id, attempt: 2, phase: 'running', startedAt: cluster.now },
        { taskId: 'nobody', attempt: 1, phase: 'ended', startedAt: null },
      ] as const;
      expect(w1.connect({ found })).toMatchObject({
        abandon: [
          { taskId: id, attempt: 2 },
          { taskId: 'nobody', attempt: 1 },
        ],
      });
      expect(cluster.state(id)).toBe('running');
      expect(cluster.attempt(id).number).toBe(1);
    }),
  );

  it(
    'an assignment that it never got is sent again with new time to confirm',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      w1.disconnect();
      cluster.advance(20_000);
      cluster.effects();
      w1.connect();
      expect(cluster.effects()).toEqual(['start t1/1 on w1']);
      cluster.advance(20_000);
      expect(cluster.attempt(id)).toMatchObject({ number: 1, state: 'assigned' });
      w1.running(id);
      expect(cluster.state(id)).toBe('running');
    }),
  );

  it.each([
    ['starting', null, 'assigned', 'starting'],
    ['running', 5, 'running', 'running'],
  ] as const)(
    'an assignment that it got without telling is confirmed as %s',
    (phase, started, taskState, attemptState) =>
      scenario((cluster) => {
        const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
        const id = cluster.submit();
        w1.disconnect();
        cluster.effects();
        const startedAt = started === null ? null : cluster.now + started;
        w1.connect({ found: [{ taskId: id, attempt: 1, phase, startedAt }] });
        expect(cluster.state(id)).toBe(taskState);
        expect(cluster.attempt(id)).toMatchObject({ state: attemptState, expiresAt: null });
      })(),
  );

  it(
    'a container that was being prepared and is gone is asked for again',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      w1.starting(id);
      w1.disconnect();
      cluster.effects();
      w1.connect();
      expect(cluster.effects()).toEqual(['start t1/1 on w1']);
      w1.starting(id);
      expect(cluster.attempt(id)).toMatchObject({ state: 'starting', expiresAt: null });
    }),
  );

  it(
    'and has to be confirmed again: silence about it gives the task to the next attempt',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      w1.starting(id, { progress: 'pulling' });
      w1.disconnect();
      w1.connect();
      expect(cluster.attempt(id)).toMatchObject({ state: 'assigned', progress: null });
      cluster.advance(cluster.config.reservationTtlMs + 10_000);
      expect(cluster.attempt(id).number).toBe(2);
      cluster.effects();
    }),
  );

  it(
    'a container that ran and is gone was lost to something outside and is tried again',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      w1.run(id);
      w1.disconnect();
      w1.connect();
      expect(cluster.attempt(id)).toMatchObject({ state: 'lost', reason: 'external' });
      expect(cluster.task(id)).toMatchObject({ state: 'pending', userFailures: 0, infraFailures: 1 });
      cluster.advance(1_000);
      expect(cluster.effects()).toEqual(['start t1/1 on w1', 'start t1/2 on w1']);
    }),
  );

  it(
    'one that ended meanwhile waits for the report of its end, however long that takes',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      w1.disconnect();
      w1.connect({ found: [{ taskId: id, attempt: 1, phase: 'ended', startedAt: cluster.now }] });
      cluster.effects();
      cluster.advance(100_000);
      expect(cluster.attempt(id).number).toBe(1);
      w1.ended(id);
      expect(cluster.state(id)).toBe('completed(exit_zero)');
    }),
  );

  it(
    'of an attempt that was given up is stopped there and never mixed with the new one (F19)',
    scenario(
      (cluster) => {
        const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
        const id = cluster.submit();
        w1.run(id);
        w1.disconnect();
        cluster.advance(31_000);
        expect(cluster.attempt(id).state).toBe('lost');
        const found = [{ taskId: id, attempt: 1, phase: 'running', startedAt: cluster.now }] as const;
        expect(w1.connect({ found })).toMatchObject({ abandon: [{ taskId: id, attempt: 1 }] });
        cluster.advance(5_000);
        expect(cluster.attempt(id)).toMatchObject({ number: 2, state: 'assigned' });
        cluster.effects();
      },
      { startGraceMs: 0 },
    ),
  );
});

describe('a worker that comes back smaller', () => {
  it(
    'keeps what runs, takes nothing new until there is room again',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const [a, b] = [cluster.submit({ cpu: 3 }), cluster.submit({ cpu: 1 })];
      cluster.effects();
      w1.run(a);
      w1.run(b);
      w1.disconnect();
      const found = [a, b].map((taskId) => ({ taskId, attempt: 1, phase: 'running', startedAt: cluster.now }) as const);
      w1.connect({ capacity: capacity({ cpu: 2, memory: 8 }), found });
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: -2000 });
      const waits = cluster.submit({ cpu: 1 });
      expect(cluster.state(waits)).toBe('queued');
      w1.ended(b);
      expect(cluster.state(waits)).toBe('queued');
      w1.ended(a);
      expect(cluster.state(waits)).toBe('assigned');
      cluster.effects();
    }),
  );

  it(
    'or without the GPU that a task holds',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8, gpu: 1 });
      const id = cluster.submit({ gpu: 1 });
      cluster.effects();
      w1.run(id);
      const found = [{ taskId: id, attempt: 1, phase: 'running', startedAt: cluster.now }] as const;
      w1.connect({ capacity: capacity({ cpu: 4, memory: 8 }), found });
      expect(cluster.available('w1')).toMatchObject({ gpuMillis: -1000 });
      w1.ended(id);
      expect(cluster.available('w1')).toMatchObject({ gpuMillis: 0, cpuMillis: 4000 });
      cluster.effects();
    }),
  );
});

describe('heartbeats', () => {
  it(
    'write nothing and place nothing',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 1, memory: 1 });
      const { changes, effects } = cluster.engine.apply(
        { kind: 'heartbeatWorker', workerId: 'w1', session: 1, unhealthy: null },
        cluster.now + 1,
      );
      expect([changes, effects]).toEqual([[], []]);
    }),
  );

  it(
    'tell when the worker can not run anything, and when it can again',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      w1.heartbeat('Docker is down');
      const id = cluster.submit();
      expect(cluster.task(id)).toMatchObject({
        state: 'queued',
        message: 'Worker w1 can not run tasks: Docker is down',
      });
      w1.heartbeat();
      expect(cluster.effects()).toEqual(['start t1/1 on w1']);
      expect(cluster.timeline('w1').slice(-3)).toEqual(['worker_unhealthy', 'worker_healthy', 'task_assigned']);
    }),
  );

  it(
    'after a goodbye are fenced',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      w1.disconnect();
      expect(w1.heartbeat()).toMatchObject({ code: 'fenced' });
    }),
  );
});

function registration(workerId: string) {
  return {
    kind: 'registerWorker',
    workerId,
    joinTokenHash: `hash-${workerId}`,
    joinTokenExpiresAt: Number.MAX_SAFE_INTEGER,
    by: 'admin',
  } as const;
}

describe('a sign of life', () => {
  it(
    'of a worker in good standing is heard without a step, and keeps it from being suspected',
    scenario(
      (cluster) => {
        const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
        w1.fallSilent();
        const beat = { kind: 'heartbeatWorker', workerId: 'w1', session: 1, unhealthy: null } as const;
        for (let n = 0; n < 10; n += 1) {
          cluster.advance(5_000);
          expect(cluster.engine.hear(beat, cluster.now)).toBe(true);
        }
        expect(cluster.row('w1').state).toBe('active');
        cluster.effects();
      },
      { startGraceMs: 0 },
    ),
  );

  it(
    'that means more has to be applied: trouble, another session, a worker that was suspected',
    scenario(
      (cluster) => {
        const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
        const beat = { kind: 'heartbeatWorker', workerId: 'w1', session: 1, unhealthy: null } as const;
        expect(cluster.engine.hear({ ...beat, unhealthy: 'no disk' }, cluster.now)).toBe(false);
        expect(cluster.engine.hear({ ...beat, session: 2 }, cluster.now)).toBe(false);
        expect(cluster.engine.hear({ ...beat, workerId: 'w9' }, cluster.now)).toBe(false);
        w1.fallSilent();
        cluster.advance(cluster.config.suspectMs + 5_000);
        expect(cluster.row('w1').state).toBe('suspect');
        expect(cluster.engine.hear(beat, cluster.now)).toBe(false);
        cluster.effects();
      },
      { startGraceMs: 0 },
    ),
  );
});
