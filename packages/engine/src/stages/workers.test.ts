import { describe, expect, it } from 'vitest';
import { register, scenario, type TestCluster } from '../testing/index.ts';

const join = (cluster: TestCluster, joinTokenHash = 'hash-w1', certificateSerial = 'serial-w1') =>
  cluster.apply({ kind: 'joinWorker', workerId: 'w1', joinTokenHash, certificateSerial });
const unregister = (cluster: TestCluster, force = false) =>
  cluster.apply({ kind: 'unregisterWorker', workerId: 'w1', by: 'admin', force });

describe('register', () => {
  it(
    'makes a worker known that has never connected',
    scenario((cluster) => {
      expect(cluster.apply({ ...register('w1', cluster.now), address: '10.0.0.7:50052' })).toEqual({
        ok: true,
        kind: 'done',
      });
      expect(cluster.row('w1')).toMatchObject({
        state: 'registered',
        connected: false,
        address: '10.0.0.7:50052',
        capacity: null,
      });
      const waits = cluster.submit();
      expect(cluster.task(waits).message).toContain('Worker w1 is not active');
    }),
  );

  it(
    'twice is refused, unless a new token is asked for; the address stays',
    scenario((cluster) => {
      cluster.apply({ ...register('w1', cluster.now), address: '10.0.0.7:50052' });
      expect(cluster.apply(register('w1', cluster.now))).toEqual({
        ok: false,
        code: 'worker_exists',
        message: 'worker w1 already registered',
      });
      expect(cluster.apply({ ...register('w1', cluster.now, true), joinTokenHash: 'new' })).toMatchObject({ ok: true });
      expect(cluster.row('w1')).toMatchObject({ address: '10.0.0.7:50052', joinToken: { hash: 'new' } });
    }),
  );

  it.each(['', 'a b', '../etc', '-w', 'é', 'x'.repeat(64)])('the id %j is not allowed (A3-28)', (workerId) =>
    scenario((cluster) => {
      expect(cluster.apply(register(workerId, cluster.now))).toMatchObject({ code: 'invalid_argument' });
    })(),
  );
});

describe('join', () => {
  it(
    'consumes the token: once, in time, the right one',
    scenario((cluster) => {
      expect(join(cluster)).toMatchObject({ code: 'worker_not_registered' });
      cluster.apply(register('w1', cluster.now));
      expect(join(cluster, 'guess')).toMatchObject({ code: 'join_token_invalid' });
      expect(join(cluster)).toEqual({ ok: true, kind: 'done' });
      expect(cluster.row('w1')).toMatchObject({ joinToken: null, certificateSerial: 'serial-w1' });
      expect(join(cluster)).toMatchObject({ code: 'join_token_invalid' });
      cluster.apply(register('w1', cluster.now, true));
      cluster.advance(900_000);
      expect(join(cluster)).toMatchObject({ code: 'join_token_invalid' });
    }),
  );

  it(
    'again ends the session of the older certificate',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      cluster.apply(register('w1', cluster.now, true));
      join(cluster, 'hash-w1', 'second');
      expect(cluster.effects()).toEqual(['close w1/1: certificate_superseded']);
      expect(w1.heartbeat()).toMatchObject({ code: 'fenced' });
      expect(w1.connect()).toMatchObject({ code: 'certificate_superseded' });
      expect(w1.connect({ certificateSerial: 'second' }).ok).toBe(true);
    }),
  );
});

describe('renew', () => {
  it(
    'replaces the certificate of a worker that has one',
    scenario((cluster) => {
      const renew = { kind: 'renewWorker', workerId: 'w1', certificateSerial: 'second', renews: 'serial-w1' } as const;
      expect(cluster.apply(renew)).toMatchObject({ code: 'worker_not_registered' });
      cluster.apply(register('w1', cluster.now));
      expect(cluster.apply(renew)).toMatchObject({ code: 'certificate_superseded' });
      join(cluster);
      expect(cluster.apply(renew)).toEqual({ ok: true, kind: 'done' });
      expect(cluster.row('w1').certificateSerial).toBe('second');
      expect(cluster.apply(renew)).toEqual({ ok: true, kind: 'done' });
      unregister(cluster);
      expect(cluster.apply(renew)).toMatchObject({ code: 'worker_revoked' });
    }),
  );

  it(
    'does not take the place of a certificate for which the worker joined meanwhile',
    scenario((cluster) => {
      cluster.apply(register('w1', cluster.now));
      join(cluster);
      cluster.apply({ ...register('w1', cluster.now), renew: true });
      join(cluster, 'hash-w1', 'joined anew');
      const renew = { kind: 'renewWorker', workerId: 'w1', certificateSerial: 'second', renews: 'serial-w1' } as const;
      expect(cluster.apply(renew)).toMatchObject({ code: 'certificate_superseded' });
      expect(cluster.row('w1').certificateSerial).toBe('joined anew');
    }),
  );
});

describe('unregister', () => {
  it(
    'a worker that never joined is gone; its id is free again',
    scenario((cluster) => {
      cluster.apply(register('w1', cluster.now));
      expect(unregister(cluster)).toEqual({ ok: true, kind: 'done' });
      expect(cluster.engine.worker('w1')).toBeNull();
      expect(cluster.sink.workers.has('w1')).toBe(false);
      expect(cluster.apply(register('w1', cluster.now)).ok).toBe(true);
    }),
  );

  it(
    'one that has joined stays as revoked, and its hello is told why',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      unregister(cluster);
      expect(cluster.effects()).toEqual(['close w1/1: worker_revoked']);
      expect(cluster.row('w1')).toMatchObject({ state: 'revoked', connected: false, certificateSerial: null });
      expect(w1.connect()).toMatchObject({ code: 'worker_revoked' });
      expect(join(cluster)).toMatchObject({ code: 'worker_revoked' });
      expect(unregister(cluster)).toEqual({ ok: true, kind: 'done' });
      cluster.apply(register('w1', cluster.now));
      expect(cluster.row('w1').state).toBe('registered');
      join(cluster);
      expect(w1.connect()).toMatchObject({ ok: true, session: 2 });
    }),
  );

  it(
    'is refused while tasks live there, and forced gives them up to others',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      w1.run(id);
      cluster.effects();
      expect(unregister(cluster)).toEqual({
        ok: false,
        code: 'worker_busy',
        message: '1 task lives on worker w1. Drain it first, or force it.',
      });
      expect(unregister(cluster, true)).toEqual({ ok: true, kind: 'done' });
      expect(cluster.effects()).toEqual(['stop t1/1 on w1: evicted', 'close w1/1: worker_revoked']);
      expect(cluster.task(id)).toMatchObject({ state: 'pending', infraFailures: 1 });
      cluster.worker('w2', { cpu: 1, memory: 1 });
      cluster.advance(1_000);
      expect(cluster.effects()).toEqual(['start t1/2 on w2']);
    }),
  );
});

describe('labels', () => {
  it(
    'decide where a task with a selector goes; the operator’s win',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      w1.connect({ labels: { zone: 'a', os: 'linux' } });
      cluster.effects();
      const id = cluster.submit({ selector: { zone: 'b', os: 'linux' } });
      expect(cluster.task(id)).toMatchObject({
        state: 'queued',
        message: 'Task requires zone=b, worker w1 has zone=a',
      });
      const label = { kind: 'labelWorker', workerId: 'w1', by: 'admin' } as const;
      cluster.apply({ ...label, set: { zone: 'b' }, remove: [] });
      expect(cluster.effects()).toEqual(['start t1/1 on w1']);
      cluster.apply({ ...label, set: {}, remove: ['zone'] });
      expect(cluster.row('w1')).toMatchObject({ labels: {}, detectedLabels: { zone: 'a' } });
      expect(cluster.apply({ ...label, workerId: 'w9', set: {}, remove: [] })).toMatchObject({
        code: 'worker_unknown',
      });
    }),
  );
});
