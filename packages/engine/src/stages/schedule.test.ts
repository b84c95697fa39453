import { describe, expect, it } from 'vitest';
import { scenario, spec, type TestCluster } from '../testing/index.ts';

const submit = (cluster: TestCluster, ...ids: string[]) =>
  cluster.applyAlone({
    kind: 'submitTasks',
    namespace: 'default',
    owner: 'ann',
    tasks: ids.map((id) => ({ id, name: null, spec: spec(), retryOf: null })),
    job: null,
    idempotency: null,
    knownOutcomes: {},
  });

describe('the pace of the pass', () => {
  it(
    'a command runs it at once when the last one is long enough ago; otherwise the deadline says when',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 4, memory: 4 });
      cluster.advance(100);
      submit(cluster, 'a');
      expect(cluster.effects()).toEqual(['start a/1 on w1']);
      cluster.now += 1;
      submit(cluster, 'b');
      expect(cluster.effects()).toEqual([]);
      expect(cluster.engine.deadline()).toBe(cluster.now + 1);
      cluster.now += 1;
      cluster.applyAlone({ kind: 'tick' });
      expect(cluster.effects()).toEqual(['start b/1 on w1']);
    }),
  );

  it(
    'commands of one moment: the pass waits for the last of them',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 1, memory: 4 });
      const task = (id: string, priority: number) => ({ id, name: null, spec: spec({ priority }), retryOf: null });
      const both = [task('later', 10), task('first', 90)];
      const [low, high] = both.map((one) => ({
        kind: 'submitTasks' as const,
        namespace: 'default',
        owner: 'ann',
        tasks: [one],
        job: null,
        idempotency: null,
        knownOutcomes: {},
      }));
      cluster.now += 100;
      expect(cluster.engine.apply(low!, cluster.now, true).effects).toEqual([]);
      expect(cluster.engine.deadline()).toBeLessThanOrEqual(cluster.now);
      const { effects } = cluster.engine.apply(high!, cluster.now);
      expect(effects).toMatchObject([{ kind: 'startAttempt', taskId: 'first' }]);
    }),
  );

  it(
    'nothing that could be placed, no pass: the deadline is that of the timers',
    scenario((cluster) => {
      submit(cluster, 'a');
      cluster.settle();
      expect(cluster.engine.deadline()).toBeNull();
    }),
  );

  it(
    'what one pass leaves goes into the next',
    scenario(
      (cluster) => {
        cluster.worker('w1', { cpu: 4, memory: 4 });
        cluster.advance(100);
        submit(cluster, 'a', 'b', 'c');
        expect(cluster.effects()).toHaveLength(2);
        expect(cluster.engine.deadline()).toBe(cluster.now + cluster.config.passDelayMs);
        cluster.settle();
        expect(cluster.effects()).toEqual(['start c/1 on w1']);
      },
      { passPlacements: 2 },
    ),
  );
});

describe('no lost wake-up (I15): a queued task starts as soon as', () => {
  it(
    'a worker connects',
    scenario((cluster) => {
      const id = cluster.submit();
      expect(cluster.task(id).message).toBe('No suitable worker available: no worker is registered');
      cluster.worker('w1', { cpu: 1, memory: 1 });
      expect(cluster.effects()).toEqual(['start t1/1 on w1']);
    }),
  );

  it(
    'another task ends, is cancelled, fails or is withdrawn',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const ids = Array.from({ length: 5 }, () => cluster.submit());
      w1.ended(ids[0]!);
      expect(cluster.state(ids[1]!)).toBe('assigned');
      cluster.cancel(ids[1]!);
      w1.ended(ids[1]!, 'cancelled_by_user');
      expect(cluster.state(ids[2]!)).toBe('assigned');
      w1.ended(ids[2]!, 'external');
      expect(cluster.state(ids[3]!)).toBe('assigned');
      cluster.advance(30_000);
      expect(cluster.attempt(ids[3]!).state).toBe('superseded');
      expect(cluster.state(ids[2]!)).toBe('assigned');
      cluster.effects();
    }),
  );

  it(
    'the master has started again',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      w1.disconnect();
      const id = cluster.submit();
      cluster.restart();
      expect(cluster.state(id)).toBe('queued');
      w1.connect();
      expect(cluster.effects()).toEqual(['start t1/1 on w1']);
    }),
  );
});

describe('why a task waits', () => {
  it(
    'is written once for what a pass could not place, and always told when asked',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const big = cluster.submit({ cpu: 5 });
      const version = cluster.task(big).version;
      expect(cluster.task(big).message).toBe('Insufficient CPU: worker has 4.00 available, task requires 5.00');
      const small = cluster.submit({ cpu: 1 });
      w1.ended(small);
      expect(cluster.task(big).version).toBe(version);
      const explanation = cluster.engine.explain(big, cluster.now)!;
      expect(explanation).toMatchObject({ state: 'queued', position: 1, couldEverFit: false });
      expect(cluster.engine.explain('nobody', cluster.now)).toBeNull();
      cluster.effects();
    }),
  );
});
