import { describe, expect, it } from 'vitest';
import { type SubmitOptions, scenario, type TestCluster } from '../testing/cluster.ts';
import type { TestWorker } from '../testing/worker.ts';

function begin(cluster: TestCluster, cpu = 4): TestWorker {
  cluster.apply({ kind: 'useScheduler', settings: { preemption: true }, by: 'admin' });
  return cluster.worker('w1', { cpu, memory: 8 });
}

/** Submits a task and lets it run where it is placed. */
function runs(cluster: TestCluster, worker: TestWorker, options: SubmitOptions): string {
  const id = cluster.submit(options);
  worker.run(id);
  cluster.effects();
  return id;
}

describe('preemption', () => {
  it(
    'a task of higher priority stops one of lower, which is queued again and costs no budget',
    scenario((cluster) => {
      const worker = begin(cluster);
      const low = runs(cluster, worker, { cpu: 4, priority: 10 });
      const high = cluster.submit({ cpu: 2, priority: 90 });
      expect(cluster.effects()).toEqual([`stop ${low}/1 on w1: preempted`]);
      expect(cluster.task(low).message).toBe(`Makes room for task ${high} of higher priority.`);
      worker.ended(low, 'preempted');
      expect(cluster.effects()).toEqual([`start ${high}/1 on w1`]);
      expect(cluster.task(low)).toMatchObject({ state: 'queued', infraFailures: 0, userFailures: 0 });
      expect(cluster.timeline(low)).toContain('task_preempted');
      worker.run(high);
      worker.ended(high);
      expect(cluster.effects()).toEqual([`start ${low}/2 on w1`]);
    }),
  );

  it(
    'nobody is stopped for a task of the same priority, without leave, or for a user who does not allow it',
    scenario((cluster) => {
      const worker = begin(cluster);
      runs(cluster, worker, { cpu: 4, priority: 10, terms: { preemptible: false } });
      cluster.submit({ cpu: 2, priority: 90 });
      expect(cluster.effects()).toEqual([]);
      cluster.apply({ kind: 'useScheduler', settings: { preemption: false }, by: 'admin' });
      const other = cluster.worker('w2', { cpu: 4, memory: 8 });
      expect(cluster.effects()).toEqual(['start t2/1 on w2']);
      other.run('t2');
      cluster.submit({ cpu: 4, priority: 99 });
      cluster.apply({ kind: 'useScheduler', settings: { preemption: true }, by: 'admin' });
      expect(cluster.effects()).toEqual(['stop t2/1 on w2: preempted']);
      cluster.submit({ cpu: 4, priority: 90, id: 'same' });
      expect(cluster.effects()).toEqual([]);
    }),
  );

  it(
    'as few as possible have to go: the lowest priority first, the youngest among equals, none in vain',
    scenario((cluster) => {
      const worker = begin(cluster);
      runs(cluster, worker, { cpu: 1, priority: 30, id: 'a' });
      cluster.advance(10_000);
      runs(cluster, worker, { cpu: 2, priority: 20, id: 'b' });
      cluster.advance(10_000);
      runs(cluster, worker, { cpu: 1, priority: 10, id: 'c' });
      // Two cores: c and b together would do, but b alone does.
      cluster.submit({ cpu: 2, priority: 90, id: 'high' });
      expect(cluster.effects()).toEqual(['stop b/1 on w1: preempted']);
    }),
  );

  it(
    'the worker is chosen where the least is lost',
    scenario((cluster) => {
      const one = begin(cluster);
      runs(cluster, one, { cpu: 4, priority: 20, id: 'a' });
      const two = cluster.worker('w2', { cpu: 4, memory: 8 });
      runs(cluster, two, { cpu: 4, priority: 10, id: 'b' });
      cluster.submit({ cpu: 4, priority: 90 });
      expect(cluster.effects()).toEqual(['stop b/1 on w2: preempted']);
    }),
  );

  it(
    'while victims stop, nobody else is asked to go and nobody takes their place',
    scenario((cluster) => {
      const worker = begin(cluster);
      runs(cluster, worker, { cpu: 2, priority: 10, id: 'a' });
      runs(cluster, worker, { cpu: 2, priority: 10, id: 'b' });
      cluster.submit({ cpu: 4, priority: 90, id: 'high' });
      expect(cluster.effects().toSorted()).toEqual(['stop a/1 on w1: preempted', 'stop b/1 on w1: preempted']);
      worker.ended('a', 'preempted');
      // Room for it, but that is meant for another one.
      cluster.submit({ cpu: 1, priority: 50, id: 'small' });
      cluster.advance(5_000);
      expect(cluster.effects()).toEqual([]);
      worker.ended('b', 'preempted');
      expect(cluster.effects()).toEqual(['start high/1 on w1']);
    }),
  );

  it(
    'a master that starts anew goes on where the old one was: nobody else is asked to go',
    scenario((cluster) => {
      const worker = begin(cluster);
      runs(cluster, worker, { cpu: 2, priority: 10, id: 'a' });
      runs(cluster, worker, { cpu: 2, priority: 10, id: 'b' });
      cluster.submit({ cpu: 2, priority: 90, id: 'high' });
      expect(cluster.effects()).toEqual(['stop b/1 on w1: preempted']);
      cluster.restart();
      worker.connect({
        found: [
          { taskId: 'a', attempt: 1, phase: 'running', startedAt: cluster.now },
          { taskId: 'b', attempt: 1, phase: 'stopping', startedAt: cluster.now },
        ],
      });
      expect(cluster.effects()).toEqual(['stop b/1 on w1: preempted']);
      worker.ended('b', 'preempted');
      expect(cluster.effects()).toEqual(['start high/1 on w1']);
    }),
  );

  it(
    'two tasks never stop each other in turn',
    scenario((cluster) => {
      const worker = begin(cluster);
      const stops = new Map<string, number>();
      cluster.submit({ cpu: 4, priority: 10, id: 'low' });
      cluster.submit({ cpu: 4, priority: 20, id: 'mid' });
      cluster.submit({ cpu: 4, priority: 30, id: 'high' });
      for (let n = 0; n < 50; n++) {
        for (const effect of cluster.takeEffects()) {
          if (effect.kind === 'startAttempt') worker.run(effect.taskId);
          if (effect.kind !== 'stopAttempt') continue;
          stops.set(effect.taskId, (stops.get(effect.taskId) ?? 0) + 1);
          worker.ended(effect.taskId, 'preempted');
        }
        cluster.advance(1_000);
      }
      expect(cluster.state('high')).toBe('running');
      for (const count of stops.values()) expect(count).toBeLessThanOrEqual(1);
    }),
  );
});
