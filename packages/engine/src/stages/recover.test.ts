import { describe, expect, it } from 'vitest';
import { Engine } from '../engine.ts';
import { hashState, scenario } from '../testing/index.ts';

it(
  'the default namespace exists from the first start, and only then is made',
  scenario((cluster) => {
    expect(cluster.engine.namespaces()).toMatchObject([{ name: 'default', quota: null }]);
    cluster.restart();
    expect(cluster.sink.events.map((event) => event.kind)).toEqual(['master_started', 'master_started']);
  }),
);

it(
  'an epoch that does not grow stops the process (I7)',
  scenario((cluster) => {
    expect(() => cluster.engine.apply({ kind: 'recover', epoch: 1 }, cluster.now)).toThrow('epoch 1');
  }),
);

it(
  'a cluster in the middle of everything comes back as it was',
  scenario((cluster) => {
    const w1 = cluster.worker('w1', { cpu: 4, memory: 8, gpu: 2 });
    const w2 = cluster.worker('w2', { cpu: 1, memory: 1 });
    const runs = cluster.submit({ gpu: 1 });
    const child = cluster.submit({ dependsOn: [runs] });
    const retried = cluster.submit({ cpu: 1, retry: { limit: 1, backoffMs: 60_000 } });
    cluster.submit({ cpu: 9, priority: 90, queueTimeoutMs: 500_000 });
    const cancelled = cluster.submit({ cpu: 0.5 });
    w1.run(runs);
    const place = cluster.attempt(retried).workerId;
    (place === 'w1' ? w1 : w2).ended(retried, 'exit_nonzero');
    w2.disconnect();
    cluster.cancel(cancelled);
    cluster.effects();
    cluster.restart();
    expect(cluster.state(child)).toBe('pending');
    expect(cluster.task(retried).eligibleAt).toBeGreaterThan(cluster.now);
    const twin = new Engine(cluster.config, cluster.sink.snapshot());
    expect(hashState(twin)).toBe(hashState(cluster.engine));
    w1.connect({ found: [{ taskId: runs, attempt: 1, phase: 'running', startedAt: cluster.now }] });
    w1.ended(runs);
    expect(cluster.state(child)).toBe('assigned');
    cluster.effects();
  }),
);

describe('a clock that went back by a day while no master ran', () => {
  const DAY = 86_400_000;
  const minutes = (n: number) => n * 60_000;

  it(
    'lets a retry wait as long as its back-off, and a start time stay what it was',
    scenario((cluster) => {
      cluster.now += 2 * DAY;
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const retried = cluster.submit({ retry: { limit: 1, backoffMs: 10_000 } });
      w1.ended(retried, 'exit_nonzero');
      const later = cluster.submit({ startAfter: cluster.now + 5_000 });
      const startAfter = cluster.task(later).eligibleAt;
      cluster.now -= DAY;
      cluster.restart();
      expect(cluster.task(retried).eligibleAt).toBe(cluster.now + 10_000);
      expect(cluster.task(later).eligibleAt).toBe(startAfter);
      w1.connect();
      cluster.advance(10_000);
      expect(cluster.attempt(retried)).toMatchObject({ number: 2, state: 'assigned' });
      cluster.effects();
    }),
  );

  it(
    'makes no suspect of a worker that is lost with a task that had run for long',
    scenario((cluster) => {
      cluster.now += 2 * DAY;
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const old = cluster.submit();
      w1.run(old);
      cluster.advance(minutes(60));
      w1.fallSilent();
      cluster.now -= DAY;
      cluster.restart();
      cluster.advance(minutes(5));
      expect(cluster.engine.worker('w1')).toMatchObject({ state: 'lost' });
      expect(cluster.task(old)).toMatchObject({ infraFailures: 1, suspectWorkers: [] });
      cluster.effects();
    }),
  );

  it(
    'lets a queue time-out and the end of a drain come in time',
    scenario((cluster) => {
      cluster.now += 2 * DAY;
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const runs = cluster.submit();
      w1.run(runs);
      const waits = cluster.submit({ queueTimeoutMs: minutes(5) });
      const drain = { deadlineAt: cluster.now + minutes(10), reason: null };
      cluster.apply({ kind: 'drainWorker', workerId: 'w1', drain, by: 'admin' });
      cluster.now -= DAY;
      cluster.restart();
      expect(cluster.engine.worker('w1')!.drain).toMatchObject({
        since: cluster.now,
        deadlineAt: cluster.now + minutes(10),
      });
      w1.connect({ found: [{ taskId: runs, attempt: 1, phase: 'running', startedAt: cluster.now }] });
      cluster.effects();
      cluster.advance(minutes(5));
      expect(cluster.state(waits)).toBe('failed(queue_timeout)');
      cluster.advance(minutes(5));
      expect(cluster.effects()).toEqual([`stop ${runs}/1 on w1: evicted`]);
    }),
  );
});

it('a store whose rows contradict each other is refused at load', () =>
  scenario((cluster) => {
    cluster.worker('w1', { cpu: 1, memory: 1 });
    cluster.submit();
    cluster.effects();
    const snapshot = cluster.sink.snapshot();
    expect(() => new Engine(cluster.config, { ...snapshot, workers: [] })).toThrow('is on worker w1, which is unknown');
    const attempts = snapshot.attempts.map((attempt) => ({ ...attempt, number: 2 }));
    expect(() => new Engine(cluster.config, { ...snapshot, attempts })).toThrow('attempt 2');
  })());
