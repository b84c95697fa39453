import { expect, it } from 'vitest';
import { scenario, type TestCluster } from '../testing/index.ts';

const drain = (cluster: TestCluster, deadlineAt: number | null = null, reason: string | null = null) =>
  cluster.apply({ kind: 'drainWorker', workerId: 'w1', drain: { deadlineAt, reason }, by: 'admin' });

it(
  'a draining worker finishes what it has and gets nothing new',
  scenario((cluster) => {
    const w1 = cluster.worker('w1', { cpu: 4, memory: 4 });
    const id = cluster.submit();
    w1.run(id);
    drain(cluster, null, 'new disk');
    const waits = cluster.submit();
    expect(cluster.task(waits).message).toBe('Worker w1 is draining (new disk)');
    cluster.advance(600_000);
    expect(cluster.state(id)).toBe('running');
    w1.ended(id);
    expect(cluster.effects()).toEqual(['start t1/1 on w1']);
    cluster.apply({ kind: 'drainWorker', workerId: 'w1', drain: null, by: 'admin' });
    expect(cluster.effects()).toEqual(['start t2/1 on w1']);
    expect(cluster.timeline('w1')).toContain('worker_drain_ended');
  }),
);

it(
  'at the deadline what still runs is stopped and placed elsewhere, at the cluster’s expense',
  scenario((cluster) => {
    const w1 = cluster.worker('w1', { cpu: 4, memory: 4 });
    const [runs, starts] = [cluster.submit(), cluster.submit()];
    w1.run(runs);
    drain(cluster, cluster.now + 20_000);
    cluster.worker('w2', { cpu: 4, memory: 4 });
    cluster.effects();
    cluster.advance(20_000);
    expect(cluster.effects()).toEqual(['stop t1/1 on w1: evicted', 'stop t2/1 on w1: evicted']);
    w1.ended(runs, 'evicted');
    w1.ended(starts, 'evicted');
    expect(cluster.task(runs)).toMatchObject({ state: 'pending', userFailures: 0, infraFailures: 1 });
    expect(cluster.engine.attempt(runs, 1)).toMatchObject({ state: 'lost', reason: 'evicted' });
    cluster.advance(1_000);
    expect(cluster.effects()).toEqual(['start t1/2 on w2', 'start t2/2 on w2']);
  }),
);

it(
  'what ends by itself before the stop arrives keeps its end',
  scenario((cluster) => {
    const w1 = cluster.worker('w1', { cpu: 4, memory: 4 });
    const id = cluster.submit();
    w1.run(id);
    drain(cluster, cluster.now + 1_000);
    cluster.advance(1_000);
    w1.ended(id);
    expect(cluster.state(id)).toBe('completed(exit_zero)');
    cluster.effects();
  }),
);

it(
  'a deadline in the past acts at once; one that a restart slept through acts afterwards',
  scenario((cluster) => {
    const w1 = cluster.worker('w1', { cpu: 4, memory: 4 });
    const id = cluster.submit();
    w1.run(id);
    cluster.effects();
    drain(cluster, cluster.now + 5_000);
    cluster.restart();
    cluster.now += 10_000;
    w1.connect({ found: [{ taskId: id, attempt: 1, phase: 'running', startedAt: cluster.now }] });
    cluster.settle();
    expect(cluster.effects()).toEqual(['stop t1/1 on w1: evicted']);
  }),
);

it(
  'is refused for unknown and unregistered workers',
  scenario((cluster) => {
    expect(drain(cluster)).toMatchObject({ code: 'worker_unknown' });
    cluster.worker('w1', { cpu: 1, memory: 1 });
    cluster.apply({ kind: 'unregisterWorker', workerId: 'w1', by: 'admin', force: false });
    expect(drain(cluster)).toMatchObject({ code: 'worker_revoked' });
    cluster.effects();
  }),
);
