import { describe, expect, it } from 'vitest';
import { scenario, type TestCluster } from '../testing/cluster.ts';

const web = { labels: { app: 'web' } };
const apart = { apart: [{ labels: { app: 'web' }, by: null }] };

function zones(cluster: TestCluster): void {
  for (const id of ['w1', 'w2', 'w3']) {
    cluster.worker(id, { cpu: 4, memory: 8 });
    const zone = id === 'w3' ? 'b' : 'a';
    cluster.apply({ kind: 'labelWorker', workerId: id, set: { zone }, remove: [], by: 'admin' });
  }
}

describe('neighbours', () => {
  it(
    'tasks keep apart from their kind, also from one that does not mind',
    scenario((cluster) => {
      zones(cluster);
      for (const id of ['a', 'b', 'c', 'd']) cluster.submit({ id, ...web, terms: apart });
      expect(cluster.effects()).toEqual(['start a/1 on w1', 'start b/1 on w2', 'start c/1 on w3']);
      cluster.submit({ id: 'easy', ...web });
      expect(cluster.effects()).toEqual([]);
      cluster.submit({ id: 'other', labels: { app: 'db' } });
      expect(cluster.effects()).toEqual(['start other/1 on w1']);
    }),
  );

  it(
    'a whole zone may be kept free of them',
    scenario((cluster) => {
      zones(cluster);
      const terms = { apart: [{ labels: { app: 'web' }, by: 'zone' }] };
      for (const id of ['a', 'b', 'c']) cluster.submit({ id, ...web, terms });
      expect(cluster.effects()).toEqual(['start a/1 on w1', 'start b/1 on w3']);
    }),
  );

  it(
    'a task goes where the tasks are that it wants to be near, and waits while there are none',
    scenario((cluster) => {
      zones(cluster);
      const terms = { near: [{ labels: { app: 'db' }, by: 'zone' }] };
      cluster.submit({ id: 'a', ...web, terms });
      expect(cluster.effects()).toEqual([]);
      cluster.submit({ id: 'db', labels: { app: 'db' }, targetWorker: 'w3' });
      expect(cluster.effects()).toEqual(['start db/1 on w3']);
      cluster.submit({ id: 'b', ...web, terms });
      expect(cluster.effects().toSorted()).toEqual(['start a/1 on w3', 'start b/1 on w3']);
    }),
  );

  it(
    'tasks that want to be near each other begin somewhere',
    scenario((cluster) => {
      zones(cluster);
      const terms = { near: [{ labels: { app: 'web' }, by: null }] };
      for (const id of ['a', 'b']) cluster.submit({ id, ...web, terms });
      expect(cluster.effects()).toEqual(['start a/1 on w1', 'start b/1 on w1']);
    }),
  );

  it(
    'tasks are spread evenly, as far as the skew allows',
    scenario((cluster) => {
      zones(cluster);
      const terms = { spread: [{ labels: { app: 'web' }, by: 'zone', maxSkew: 1 }] };
      for (const id of ['a', 'b', 'c', 'd']) cluster.submit({ id, ...web, terms });
      expect(cluster.effects()).toEqual(['start a/1 on w1', 'start b/1 on w3', 'start c/1 on w1', 'start d/1 on w3']);
    }),
  );

  it(
    'other namespaces are no neighbours',
    scenario((cluster) => {
      cluster.apply({ kind: 'putNamespace', name: 'team', quota: null, by: 'admin' });
      cluster.worker('w1', { cpu: 4, memory: 8 });
      cluster.submit({ id: 'a', ...web, terms: apart });
      cluster.submit({ id: 'b', namespace: 'team', ...web, terms: apart });
      expect(cluster.effects()).toEqual(['start a/1 on w1', 'start b/1 on w1']);
    }),
  );

  it(
    'plans from outside are held to it as well',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 4, memory: 8 });
      cluster.submit({ id: 'a', ...web, terms: apart });
      cluster.submit({ id: 'b', ...web, terms: apart });
      cluster.effects();
      const assignments = [{ taskId: 'b', workerId: 'w1' }];
      expect(cluster.apply({ kind: 'commitPlan', planner: 'me', assignments })).toMatchObject({
        committed: 0,
        refused: [{ code: 'invalid_argument' }],
      });
    }),
  );
});
