import { describe, expect, it } from 'vitest';
import { resources, scenario, type TestCluster } from '../testing/index.ts';

const namespace = (cluster: TestCluster, name: string, cpu: number | null) =>
  cluster.apply({
    kind: 'putNamespace',
    name,
    quota: cpu === null ? null : resources({ cpu, memory: 100 }),
    by: 'admin',
  });

describe('quota (I17)', () => {
  it(
    'a task beyond it stays queued, says so, and lets others pass',
    scenario((cluster) => {
      namespace(cluster, 'small', 2);
      const w1 = cluster.worker('w1', { cpu: 8, memory: 8 });
      const first = cluster.submit({ cpu: 2, namespace: 'small' });
      const second = cluster.submit({ cpu: 1, namespace: 'small' });
      const other = cluster.submit({ cpu: 1 });
      expect(cluster.effects()).toEqual(['start t1/1 on w1', 'start t3/1 on w1']);
      expect(cluster.task(second).message).toBe(
        'Quota of namespace small reached: 0.00 of 2.00 CPU left, task requires 1.00',
      );
      expect(cluster.engine.used('small')).toMatchObject({ cpuMillis: 2000 });
      w1.ended(first);
      expect(cluster.effects()).toEqual(['start t2/1 on w1']);
      w1.ended(other);
    }),
  );

  it(
    'raised, it lets them go; lowered, it stops nothing',
    scenario((cluster) => {
      namespace(cluster, 'small', 1);
      cluster.worker('w1', { cpu: 8, memory: 8 });
      cluster.submit({ namespace: 'small' });
      const second = cluster.submit({ namespace: 'small' });
      namespace(cluster, 'small', 0);
      expect(cluster.engine.counts()).toMatchObject({ assigned: 1, queued: 1 });
      namespace(cluster, 'small', null);
      expect(cluster.state(second)).toBe('assigned');
      cluster.effects();
    }),
  );

  it(
    'holds for plans made elsewhere as well',
    scenario((cluster) => {
      namespace(cluster, 'small', 1);
      cluster.worker('w1', { cpu: 8, memory: 8 });
      cluster.submit({ namespace: 'small' });
      const second = cluster.submit({ namespace: 'small' });
      const reply = cluster.apply({
        kind: 'commitPlan',
        planner: 'mine',
        assignments: [{ taskId: second, workerId: 'w1' }],
      });
      expect(reply).toMatchObject({ committed: 0, refused: [{ taskId: second, code: 'quota_exceeded' }] });
      cluster.effects();
    }),
  );

  it(
    'of nonsense, and names of nonsense, are refused',
    scenario((cluster) => {
      expect(namespace(cluster, 'small', -1)).toMatchObject({ code: 'invalid_argument' });
      expect(namespace(cluster, 'Small!', 1)).toMatchObject({ code: 'invalid_argument' });
    }),
  );
});

describe('users and tokens', () => {
  it(
    'a token is found by its hash, and revoked for good',
    scenario((cluster) => {
      const user = {
        kind: 'putUser',
        name: 'ann',
        role: 'user',
        namespaces: ['default'],
        disabled: false,
        by: 'admin',
      } as const;
      const token = { kind: 'putToken', id: 'tok1', user: 'ann', hash: 'h1', expiresAt: null, by: 'admin' } as const;
      expect(cluster.apply(token)).toMatchObject({ code: 'user_unknown' });
      expect(cluster.apply({ ...user, namespaces: ['nope'] })).toMatchObject({ code: 'namespace_unknown' });
      expect(cluster.apply(user).ok).toBe(true);
      expect(cluster.apply(token).ok).toBe(true);
      expect(cluster.engine.tokenByHash('h1')).toMatchObject({ id: 'tok1', user: 'ann', revoked: false });
      expect(cluster.engine.user('ann')).toMatchObject({ role: 'user', namespaces: ['default'] });
      expect(cluster.apply({ ...token, id: 'tok2' })).toMatchObject({ code: 'invalid_argument' });
      expect(cluster.apply({ ...token, hash: 'h2' })).toMatchObject({ code: 'invalid_argument' });
      expect(cluster.apply({ kind: 'revokeToken', id: 'nope', by: 'admin' })).toMatchObject({ code: 'token_unknown' });
      cluster.apply({ kind: 'revokeToken', id: 'tok1', by: 'admin' });
      expect(cluster.engine.tokenByHash('h1')).toMatchObject({ revoked: true });
      expect(cluster.apply(token)).toMatchObject({ code: 'invalid_argument' });
      cluster.restart();
      expect(cluster.engine.tokenByHash('h1')).toMatchObject({ revoked: true });
      expect(cluster.engine.users()).toHaveLength(1);
    }),
  );
});

describe('the scheduler', () => {
  it(
    'is changed for the next pass and kept over a restart; an unknown one is refused',
    scenario((cluster) => {
      expect(cluster.apply({ kind: 'useScheduler', placement: 'magic', by: 'admin' })).toMatchObject({
        code: 'scheduler_unknown',
      });
      expect(cluster.apply({ kind: 'useScheduler', placement: 'greedy', by: 'admin' }).ok).toBe(true);
      cluster.restart();
      expect(cluster.engine.cluster().placement).toBe('greedy');
      cluster.worker('w1', { cpu: 2, memory: 2 });
      cluster.worker('w2', { cpu: 8, memory: 2 });
      cluster.submit();
      expect(cluster.effects()).toEqual(['start t1/1 on w2']);
      expect(cluster.attempt('t1').placedBy).toContain('greedy');
    }),
  );
});
