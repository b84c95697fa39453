import { describe, expect, it } from 'vitest';
import { scenario, spec, type TestCluster } from '../testing/index.ts';

/** Tasks that no pass has seen yet. */
const plan = (cluster: TestCluster, ...assignments: [taskId: string, workerId: string][]) =>
  cluster.applyAlone({
    kind: 'commitPlan',
    planner: 'mine',
    assignments: assignments.map(([taskId, workerId]) => ({ taskId, workerId })),
  });

describe('a plan made elsewhere', () => {
  it(
    'is refused task by task where it does not fit: no planner can oversubscribe',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      w1.heartbeat('not yet');
      const [first, second] = [cluster.submit({ cpu: 3 }), cluster.submit({ cpu: 3 })];
      expect(plan(cluster, [first, 'w1'])).toMatchObject({
        committed: 0,
        refused: [{ code: 'worker_not_active', message: 'Worker w1 can not run tasks: not yet' }],
      });
      w1.heartbeat();
      expect(cluster.state(first)).toBe('assigned');
      expect(plan(cluster, [second, 'w1'])).toMatchObject({
        committed: 0,
        refused: [
          {
            code: 'insufficient_resources',
            message: 'Insufficient CPU: worker has 1.00 available, task requires 3.00',
          },
        ],
      });
      cluster.effects();
    }),
  );

  it(
    'is carried out where it fits, ahead of the engine’s own pass',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 2, memory: 8 });
      cluster.worker('w2', { cpu: 2, memory: 8 });
      // The engine has just made a pass: what is queued now waits for the next one.
      cluster.submit({ cpu: 9 });
      cluster.applyAlone({
        kind: 'submitTasks',
        namespace: 'default',
        owner: 'ann',
        tasks: ['a', 'b'].map((id) => ({ id, name: null, spec: spec({ cpu: 2 }), retryOf: null })),
        job: null,
        idempotency: null,
        knownOutcomes: {},
      });
      expect(plan(cluster, ['a', 'w2'], ['b', 'w2'])).toMatchObject({ committed: 1, refused: [{ taskId: 'b' }] });
      expect(cluster.effects()).toEqual(['start a/1 on w2']);
      expect(cluster.attempt('a').placedBy).toBe('mine');
      cluster.settle();
      expect(cluster.effects()).toEqual(['start b/1 on w1']);
    }),
  );

  it(
    'can not place what is unknown, ended, already placed, pending, or twice',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 8 });
      const [runs, waits] = [cluster.submit(), cluster.submit()];
      const pending = cluster.submit({ dependsOn: [waits] });
      const reply = plan(cluster, ['nobody', 'w1'], [runs, 'w1'], [pending, 'w1'], [waits, 'w9']);
      expect(reply).toMatchObject({
        committed: 0,
        refused: [
          { code: 'task_unknown' },
          { code: 'task_not_waiting' },
          { code: 'task_not_waiting' },
          { code: 'worker_unknown' },
        ],
      });
      w1.ended(runs);
      expect(plan(cluster, [runs, 'w1'])).toMatchObject({ refused: [{ code: 'task_ended' }] });
      cluster.effects();
    }),
  );

  it(
    'is bounded',
    scenario((cluster) => {
      const assignments = Array.from({ length: 100_001 }, () => ({ taskId: 't', workerId: 'w' }));
      expect(cluster.apply({ kind: 'commitPlan', planner: 'mine', assignments })).toMatchObject({
        code: 'invalid_argument',
      });
    }),
  );
});

describe('an assignment', () => {
  it(
    'reserves before it dispatches, and says who placed it',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 4, memory: 8, gpu: 1 });
      const id = cluster.submit({ gpu: 0.5, name: 'train' });
      const [effect] = cluster.takeEffects();
      const attempt = cluster.attempt(id);
      expect(effect).toMatchObject({
        kind: 'startAttempt',
        workerId: 'w1',
        session: 1,
        taskId: id,
        attempt: 1,
        namespace: 'default',
        owner: 'ann',
        name: 'train',
        gpus: [{ index: 0, millis: 500 }],
        imageDigest: null,
      });
      expect(attempt).toMatchObject({ placedBy: 'round-robin/1', expiresAt: cluster.now + 30_000, session: 1 });
      expect(attempt.reserved).toBe(cluster.task(id).spec.request);
    }),
  );
});
