import { expect, it } from 'vitest';
import { scenario, type TestCluster } from '../testing/index.ts';

const order = (cluster: TestCluster) => [...cluster.engine.queued()].map((task) => task.id);
const setPriority = (cluster: TestCluster, taskId: string, priority: number) =>
  cluster.apply({ kind: 'setPriority', taskId, priority, by: 'ann' });

it(
  'moves a queued task in the queue and leaves its spec as it was asked for',
  scenario((cluster) => {
    const [a, b] = [cluster.submit(), cluster.submit()];
    expect(order(cluster)).toEqual([a, b]);
    expect(setPriority(cluster, b, 80)).toEqual({ ok: true, kind: 'done' });
    expect(order(cluster)).toEqual([b, a]);
    expect(cluster.task(b)).toMatchObject({ priority: 80, spec: { priority: 50 } });
    cluster.restart();
    expect(order(cluster)).toEqual([b, a]);
  }),
);

it(
  'counts for a pending task once it is queued',
  scenario((cluster) => {
    const later = cluster.submit({ startAfter: cluster.now + 1_000 });
    const now = cluster.submit();
    setPriority(cluster, later, 51);
    cluster.advance(1_000);
    expect(order(cluster)).toEqual([later, now]);
  }),
);

it(
  'is refused for a task that runs or has ended, and outside 0 to 100',
  scenario((cluster) => {
    const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
    const [runs, waits] = [cluster.submit(), cluster.submit()];
    cluster.effects();
    expect(setPriority(cluster, runs, 1)).toMatchObject({ code: 'task_not_waiting' });
    expect(setPriority(cluster, waits, 101)).toMatchObject({ code: 'invalid_argument' });
    expect(setPriority(cluster, 'nobody', 1)).toMatchObject({ code: 'task_unknown' });
    w1.ended(runs);
    expect(setPriority(cluster, runs, 1)).toMatchObject({ code: 'task_ended' });
    cluster.effects();
  }),
);
