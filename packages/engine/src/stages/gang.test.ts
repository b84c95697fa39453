import { describe, expect, it } from 'vitest';
import { type SpecOptions, spec } from '../testing/builders.ts';
import { scenario, type TestCluster } from '../testing/cluster.ts';

/** A job of tasks that start together. */
function gang(cluster: TestCluster, ids: readonly string[], options: SpecOptions = {}): void {
  const tasks = ids.map((id) => ({ id, name: null, spec: spec({ terms: { gang: true }, ...options }), retryOf: null }));
  const reply = cluster.trySubmitAll(tasks, { job: { id: 'job', name: null } });
  if (!reply.ok) throw new Error(reply.message);
}

describe('a gang', () => {
  it(
    'waits until all of it fits, and does not hold up others',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 2, memory: 8 });
      gang(cluster, ['a', 'b', 'c']);
      expect(cluster.effects()).toEqual([]);
      cluster.submit({ id: 'alone' });
      expect(cluster.effects()).toEqual(['start alone/1 on w1']);
      cluster.worker('w2', { cpu: 2, memory: 8 });
      expect(cluster.effects()).toEqual(['start a/1 on w2', 'start b/1 on w1', 'start c/1 on w2']);
    }),
  );

  it(
    'leaves what it tried to take to the next task',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 3, memory: 8 });
      gang(cluster, ['a', 'b'], { cpu: 2 });
      cluster.submit({ id: 'big', cpu: 3 });
      expect(cluster.effects()).toEqual(['start big/1 on w1']);
    }),
  );

  it(
    'starts again together when one of it is lost',
    scenario((cluster) => {
      const one = cluster.worker('w1', { cpu: 1, memory: 8 });
      const two = cluster.worker('w2', { cpu: 1, memory: 8 });
      gang(cluster, ['a', 'b']);
      one.run('a');
      two.run('b');
      cluster.effects();
      one.ended('a', 'daemon_restart');
      expect(cluster.effects()).toEqual(['stop b/1 on w2: preempted']);
      cluster.advance(2_000);
      expect(cluster.effects()).toEqual([]);
      two.ended('b', 'preempted');
      cluster.advance(2_000);
      expect(cluster.effects().toSorted()).toEqual(['start a/2 on w2', 'start b/2 on w1']);
      expect(cluster.task('b').infraFailures).toBe(0);
    }),
  );

  it(
    'whose one task has ended goes on with the others',
    scenario((cluster) => {
      const worker = cluster.worker('w1', { cpu: 2, memory: 8 });
      gang(cluster, ['a', 'b']);
      worker.run('a');
      worker.run('b');
      worker.ended('a');
      cluster.effects();
      expect(cluster.state('b')).toBe('running');
    }),
  );

  it(
    'needs a job to be one',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 1, memory: 8 });
      cluster.submit({ id: 'a', terms: { gang: true } });
      expect(cluster.effects()).toEqual(['start a/1 on w1']);
    }),
  );
});
