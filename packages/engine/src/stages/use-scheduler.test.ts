import { describe, expect, it } from 'vitest';
import type { UseScheduler } from '../command.ts';
import { DEFAULT_RISK } from '../policy/rts-parameters.ts';
import { scenario, type TestCluster } from '../testing/cluster.ts';

function use(cluster: TestCluster, command: Partial<UseScheduler>) {
  return cluster.apply({ kind: 'useScheduler', by: 'admin', ...command });
}

describe('the scheduler in use', () => {
  it(
    'what is left out stays as it is, and all of it is kept over a restart',
    scenario((cluster) => {
      expect(use(cluster, { settings: { ordering: 'saf', backfill: 'easy' } }).ok).toBe(true);
      expect(use(cluster, { settings: { starvationMs: 1000 } }).ok).toBe(true);
      expect(use(cluster, { placement: 'fgd' }).ok).toBe(true);
      cluster.restart();
      const { placement, scheduling } = cluster.engine.cluster();
      expect(placement).toBe('fgd');
      expect(scheduling).toMatchObject({ ordering: 'saf', backfill: 'easy', starvationMs: 1000, preemption: false });
      expect(cluster.sink.events.filter(({ kind }) => kind === 'scheduler_used').map(({ message }) => message)).toEqual(
        ['ordering saf, backfill easy', 'starvationMs 1000', 'fgd'],
      );
    }),
  );

  it(
    'what there is not, or out of range, is refused and named',
    scenario((cluster) => {
      expect(use(cluster, { settings: { ordering: 'magic' } })).toMatchObject({
        code: 'scheduler_unknown',
        message: expect.stringContaining('ageing-priority'),
      });
      for (const settings of [
        { backfill: 'lots' as 'easy' },
        { starvationMs: 0 },
        { ageingSeconds: 0.5 },
        { risk: { ...DEFAULT_RISK, beta: 101 } },
      ])
        expect(use(cluster, { settings })).toMatchObject({ code: 'invalid_argument' });
      expect(use(cluster, { placement: null })).toMatchObject({ code: 'invalid_argument' });
      expect(use(cluster, { placement: 'fgd', scope: { kind: 'namespace', name: 'nobody' } })).toMatchObject({
        code: 'namespace_unknown',
      });
    }),
  );

  it(
    'a pool and a namespace may have a policy of their own, the pool before the namespace',
    scenario((cluster) => {
      use(cluster, { placement: 'greedy' });
      use(cluster, { placement: 'best-fit', scope: { kind: 'namespace', name: 'default' } });
      use(cluster, { placement: 'round-robin', scope: { kind: 'pool', name: 'blue' } });
      for (const [id, cpu] of [
        ['w1', 8],
        ['w2', 4],
      ] as const) {
        cluster.worker(id, { cpu, memory: 8 });
        cluster.apply({ kind: 'labelWorker', workerId: id, set: { pool: 'blue' }, remove: [], by: 'admin' });
      }
      const plain = cluster.submit();
      const blue = cluster.submit({ selector: { pool: 'blue' } });
      use(cluster, { placement: null, scope: { kind: 'namespace', name: 'default' } });
      const last = cluster.submit();
      expect([plain, blue, last].map((id) => cluster.attempt(id).placedBy.split(/[:/]/)[0])).toEqual([
        'best-fit',
        'round-robin',
        'greedy',
      ]);
      cluster.effects();
    }),
  );

  it(
    'fair-share goes by what users have used, which outlives a restart',
    scenario((cluster) => {
      for (const name of ['ann', 'bob'])
        cluster.apply({ kind: 'putUser', name, role: 'user', namespaces: [], disabled: false, by: 'admin' });
      use(cluster, { settings: { ordering: 'fair-share' } });
      const worker = cluster.worker('w1', { cpu: 1, memory: 8 });
      const first = cluster.submit();
      worker.run(first);
      cluster.advance(60_000);
      worker.ended(first);
      expect(cluster.engine.user('ann')!.usage!.amount).toBeCloseTo(60, 0);
      cluster.restart();
      cluster.submit({ id: 'anns' });
      const spec = cluster.task('anns').spec;
      cluster.trySubmitAll([{ id: 'bobs', name: null, spec, retryOf: null }], { owner: 'bob' });
      worker.connect();
      cluster.advance(1_000);
      expect(cluster.effects().filter((effect) => !effect.includes(first))).toEqual(['start bobs/1 on w1']);
    }),
  );

  it(
    'tasks that run stay where they are when it changes',
    scenario((cluster) => {
      const worker = cluster.worker('w1', { cpu: 4, memory: 8 });
      const id = cluster.submit();
      worker.run(id);
      cluster.effects();
      for (const placement of ['fgd', 'random', 'ai', 'rts', 'gpu-packing']) use(cluster, { placement });
      expect(cluster.state(id)).toBe('running');
      expect(cluster.effects()).toEqual([]);
    }),
  );
});
