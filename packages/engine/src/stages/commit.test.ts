import { describe, expect, it } from 'vitest';
import { scenario, type TestCluster } from '../testing/index.ts';

/** Tasks that no pass has seen yet. */
const plan = (cluster: TestCluster, ...assignments: [taskId: string, workerId: string][]) =>
  cluster.applyAlone({
    kind: 'commitPlan',
    planner: 'mine',
    assignments: assignments.map(([taskId, workerId]) => ({ taskId, workerId })),
  });

/** Queued tasks that the schedule pass leaves alone, because the worker they name has no room for them yet. */
function blocked(cluster: TestCluster, cpu: number): { ids: string[]; open: () => void } {
  const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
  w1.heartbeat('not yet');
  const ids = [cluster.submit({ cpu }), cluster.submit({ cpu })];
  return { ids, open: () => w1.heartbeat() };
}

describe('a plan made elsewhere', () => {
  it(
    'is carried out where it fits, and refused task by task where it does not (no oversubscription by any planner)',
    scenario(
      (cluster) => {
        const { ids, open } = blocked(cluster, 3);
        cluster.engine.apply({ kind: 'tick' }, cluster.now);
        void open;
        expect(plan(cluster, [ids[0]!, 'w1'])).toMatchObject({
          committed: 0,
          refused: [{ code: 'worker_not_active', message: 'Worker w1 can not run tasks: not yet' }],
        });
        const w2 = cluster.joined('w2', { cpu: 4, memory: 8 });
        w2.connect({ labels: { zone: 'a' } });
        cluster.effects();
        expect(cluster.engine.counts()).toMatchObject({ assigned: 1, queued: 1 });
        expect(plan(cluster, [ids[1]!, 'w2'])).toMatchObject({
          committed: 0,
          refused: [
            {
              code: 'insufficient_resources',
              message: 'Insufficient CPU: worker has 1.00 available, task requires 3.00',
            },
          ],
        });
      },
      { passPlacements: 1 },
    ),
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
      expect(attempt).toMatchObject({ placedBy: 'round-robin', expiresAt: cluster.now + 30_000, session: 1 });
      expect(attempt.reserved).toBe(cluster.task(id).spec.request);
    }),
  );
});
