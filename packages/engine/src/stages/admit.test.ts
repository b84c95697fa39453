import { describe, expect, it } from 'vitest';
import type { NewTask } from '../command.ts';
import { NO_RETRY, type SpecOptions, scenario, spec } from '../testing/index.ts';
import { MAX_TASKS_PER_CALL } from './admit.ts';

function task(id: string, options: SpecOptions = {}): NewTask {
  return { id, name: null, spec: spec(options), retryOf: null };
}

describe('what is refused', () => {
  it.each<[string, SpecOptions, string]>([
    ['a negative amount', { cpu: -1 }, 'cpuMillis is -1000; it has to be a whole number from 0.'],
    ['not a number (E-53)', { cpu: Number.NaN }, 'cpuMillis is NaN; it has to be a whole number from 0.'],
    ['infinity', { memory: Number.POSITIVE_INFINITY }, 'memoryBytes is Infinity; it has to be a whole number from 0.'],
    ['a fraction of a unit', { custom: { seats: 0.5 } }, 'seats is 0.5; it has to be a whole number from 0.'],
    ['a priority above 100', { priority: 101 }, 'priority is 101; it has to be a whole number from 0 to 100.'],
    ['a time-out of 0', { timeoutMs: 0 }, 'timeoutMs is 0; it has to be a whole number from 1.'],
    ['an empty image', { image: '' }, 'The image must not be empty.'],
    [
      'a shrinking back-off',
      { retry: { ...NO_RETRY, factor: 0.5 } },
      'retry.factor is 0.5; it has to be a number from 1.',
    ],
    ['a parent named twice', { dependsOn: ['a', 'a'] }, 'dependsOn names a task twice.'],
  ])('%s', (_, options, message) =>
    scenario((cluster) => {
      expect(cluster.trySubmit(options)).toEqual({ ok: false, code: 'invalid_argument', message, taskIndex: 0 });
      expect(cluster.engine.counts()).toMatchObject({ queued: 0 });
    })(),
  );

  it(
    'GPUs that no container runtime can hand out',
    scenario((cluster) => {
      expect(cluster.trySubmit({ gpu: 1.5 })).toMatchObject({ code: 'invalid_argument' });
    }),
  );

  it(
    'an unknown namespace, an empty call, one that is too large, an odd id',
    scenario((cluster) => {
      expect(cluster.trySubmit({ namespace: 'nope' })).toMatchObject({ code: 'namespace_unknown' });
      expect(cluster.trySubmitAll([])).toMatchObject({ code: 'invalid_argument' });
      const many = Array.from({ length: MAX_TASKS_PER_CALL + 1 }, (_, n) => task(`x${n}`));
      expect(cluster.trySubmitAll(many)).toMatchObject({ code: 'invalid_argument' });
      expect(cluster.trySubmitAll([task('No Spaces!')])).toMatchObject({ code: 'invalid_argument' });
    }),
  );

  it(
    'a known id, in the cluster and twice in one call (E-28)',
    scenario((cluster) => {
      cluster.submit({ id: 'a' });
      expect(cluster.trySubmit({ id: 'a' })).toMatchObject({ code: 'task_exists' });
      expect(cluster.trySubmitAll([task('b'), task('b')])).toMatchObject({ code: 'task_exists' });
    }),
  );

  it(
    'more than may wait (E-27)',
    scenario(
      (cluster) => {
        cluster.submit();
        expect(cluster.trySubmitAll([task('a'), task('b')])).toMatchObject({ code: 'queue_full' });
        cluster.submit();
        expect(cluster.engine.counts()).toMatchObject({ queued: 2 });
      },
      { maxWaitingTasks: 2 },
    ),
  );

  it(
    'one bad task refuses the whole call and says which',
    scenario((cluster) => {
      const reply = cluster.trySubmitAll([task('a'), task('b', { priority: -1 }), task('c')]);
      expect(reply).toMatchObject({ code: 'invalid_argument', taskIndex: 1 });
      expect(cluster.engine.task('a')).toBeNull();
    }),
  );
});

describe('a named worker', () => {
  it(
    'has to be known and active (C2-4)',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      w1.disconnect();
      expect(cluster.trySubmit({ targetWorker: 'w1' })).toMatchObject({
        code: 'worker_not_active',
        message: 'Worker w1 is not active',
      });
      expect(cluster.trySubmit({ targetWorker: 'w2' })).toMatchObject({
        code: 'worker_unknown',
        message: 'Worker w2 not found',
      });
    }),
  );

  it(
    'that drains, is unhealthy or has other labels refuses with the reason',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      expect(cluster.trySubmit({ targetWorker: 'w1', selector: { zone: 'a' } })).toMatchObject({
        code: 'invalid_argument',
      });
      w1.heartbeat('Docker is down');
      expect(cluster.trySubmit({ targetWorker: 'w1' })).toMatchObject({
        code: 'worker_not_active',
        message: 'Worker w1 can not run tasks: Docker is down',
      });
    }),
  );

  it(
    'is held against its size alone when the task can not start yet',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const first = cluster.submit({ cpu: 4, targetWorker: 'w1' });
      const second = cluster.submit({ cpu: 4, targetWorker: 'w1', dependsOn: [first] });
      expect(cluster.state(second)).toBe('pending');
      expect(cluster.trySubmit({ cpu: 5, targetWorker: 'w1', dependsOn: [first] })).toMatchObject({
        code: 'insufficient_resources',
        message: 'Insufficient CPU: worker has 4.00 available, task requires 5.00',
      });
      w1.ended(first);
      expect(cluster.effects()).toEqual(['start t1/1 on w1', 'start t2/1 on w1']);
    }),
  );
});

describe('the same key again (I11)', () => {
  const idempotency = { key: 'k', bodyHash: 'h' };

  it(
    'gives the same ids and makes nothing',
    scenario((cluster) => {
      expect(cluster.trySubmitAll([task('a')], { idempotency })).toMatchObject({ replayed: false });
      const again = cluster.trySubmitAll([task('b')], { idempotency });
      expect(again).toEqual({ ok: true, kind: 'submitted', taskIds: ['a'], jobId: null, replayed: true });
      expect(cluster.engine.task('b')).toBeNull();
    }),
  );

  it(
    'with another body is a conflict; in another namespace it is another key',
    scenario((cluster) => {
      cluster.apply({ kind: 'putNamespace', name: 'lab', quota: null, by: 'admin' });
      cluster.trySubmitAll([task('a')], { idempotency });
      expect(cluster.trySubmitAll([task('b')], { idempotency: { key: 'k', bodyHash: 'other' } })).toMatchObject({
        code: 'idempotency_conflict',
      });
      expect(cluster.trySubmitAll([task('b')], { idempotency, namespace: 'lab' })).toMatchObject({ replayed: false });
    }),
  );

  it(
    'survives a restart and the end of the task, and expires after a day',
    scenario((cluster) => {
      cluster.trySubmitAll([task('a')], { idempotency });
      cluster.cancel('a');
      cluster.restart();
      expect(cluster.trySubmitAll([task('b')], { idempotency })).toMatchObject({ taskIds: ['a'], replayed: true });
      cluster.advance(cluster.config.idempotencyMs);
      expect(cluster.sink.idempotency.size).toBe(0);
      expect(cluster.trySubmitAll([task('b')], { idempotency })).toMatchObject({ taskIds: ['b'], replayed: false });
    }),
  );

  it(
    'a refused call does not use up its key',
    scenario((cluster) => {
      cluster.trySubmitAll([task('a', { priority: -1 })], { idempotency });
      expect(cluster.trySubmitAll([task('a')], { idempotency })).toMatchObject({ ok: true, replayed: false });
    }),
  );
});

describe('dependencies (I16)', () => {
  it(
    'a child waits for all its parents, then goes to the queue',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const [a, b] = [cluster.submit({ id: 'a' }), cluster.submit({ id: 'b' })];
      const c = cluster.submit({ id: 'c', dependsOn: [a, b] });
      expect(cluster.task(c)).toMatchObject({
        state: 'pending',
        waitsFor: ['a', 'b'],
        message: 'Waits for 2 tasks to complete.',
      });
      w1.ended(a);
      expect(cluster.task(c)).toMatchObject({
        state: 'pending',
        waitsFor: ['b'],
        message: 'Waits for task b to complete.',
      });
      w1.ended(b);
      expect(cluster.state(c)).toBe('assigned');
      expect(cluster.effects()).toEqual(['start a/1 on w1', 'start b/1 on w1', 'start c/1 on w1']);
    }),
  );

  it(
    'a parent that fails or is cancelled fails its children and theirs',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 8 });
      cluster.submit({ id: 'a' });
      cluster.submit({ id: 'b', dependsOn: ['a'] });
      cluster.submit({ id: 'c', dependsOn: ['b'] });
      cluster.submit({ id: 'd' });
      cluster.submit({ id: 'e', dependsOn: ['d'] });
      w1.ended('a', 'exit_nonzero');
      expect(cluster.state('b')).toBe('failed(dependency_failed)');
      expect(cluster.state('c')).toBe('failed(dependency_failed)');
      cluster.cancel('e');
      expect(cluster.state('e')).toBe('cancelled(cancelled_by_user)');
      cluster.effects();
    }),
  );

  it(
    'a retry of the parent keeps the child waiting',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 8 });
      cluster.submit({ id: 'a', retry: { limit: 1 } });
      cluster.submit({ id: 'b', dependsOn: ['a'] });
      w1.ended('a', 'exit_nonzero');
      expect(cluster.state('b')).toBe('pending');
      w1.ended('a');
      expect(cluster.state('b')).toBe('assigned');
      cluster.effects();
    }),
  );

  it(
    'inside one call in any order',
    scenario((cluster) => {
      cluster.trySubmitAll([task('c', { dependsOn: ['b'] }), task('b', { dependsOn: ['a'] }), task('a')]);
      expect([cluster.state('a'), cluster.state('b'), cluster.state('c')]).toEqual(['queued', 'pending', 'pending']);
    }),
  );

  it(
    'a circle is refused and named; so is a task that waits for itself',
    scenario((cluster) => {
      const circle = [task('x'), task('a', { dependsOn: ['b'] }), task('b', { dependsOn: ['a'] })];
      expect(cluster.trySubmitAll(circle)).toMatchObject({ code: 'dependency_cycle', taskIndex: 1 });
      expect(cluster.trySubmitAll([task('a', { dependsOn: ['a'] })])).toMatchObject({ code: 'dependency_cycle' });
    }),
  );

  it(
    'unknown parents and those of another namespace are refused alike',
    scenario((cluster) => {
      cluster.apply({ kind: 'putNamespace', name: 'lab', quota: null, by: 'admin' });
      cluster.submit({ id: 'theirs', namespace: 'lab' });
      expect(cluster.trySubmit({ dependsOn: ['nobody'] })).toMatchObject({ code: 'dependency_unknown' });
      expect(cluster.trySubmit({ dependsOn: ['theirs'] })).toMatchObject({ code: 'dependency_unknown' });
    }),
  );

  it(
    'ends that only the store remembers count',
    scenario((cluster) => {
      const knownOutcomes = { old: 'completed', bad: 'failed' } as const;
      cluster.trySubmitAll([task('a', { dependsOn: ['old'] })], { knownOutcomes });
      expect(cluster.state('a')).toBe('queued');
      expect(cluster.trySubmitAll([task('b', { dependsOn: ['bad'] })], { knownOutcomes })).toMatchObject({
        code: 'dependency_failed',
      });
    }),
  );

  it(
    'a chain of ten thousand fails without deep recursion',
    scenario((cluster) => {
      const chain = Array.from({ length: 10_000 }, (_, n) =>
        task(`n${n}`, n === 0 ? {} : { dependsOn: [`n${n - 1}`] }),
      );
      cluster.trySubmitAll(chain);
      cluster.cancel('n0');
      expect(cluster.state('n9999')).toBe('failed(dependency_failed)');
    }),
  );
});

describe('start time and queue time-out', () => {
  it(
    'a task with a start time waits for it and keeps its place by age',
    scenario((cluster) => {
      const later = cluster.submit({ startAfter: cluster.now + 60_000 });
      const sooner = cluster.submit();
      expect(cluster.task(later)).toMatchObject({ state: 'pending', message: 'Waits for its start time.' });
      cluster.advance(60_000);
      expect(cluster.state(later)).toBe('queued');
      expect([...cluster.engine.queued()].map((task) => task.id)).toEqual([later, sooner]);
    }),
  );

  it(
    'a start time in the past is none',
    scenario((cluster) => {
      expect(cluster.state(cluster.submit({ startAfter: cluster.now - 1 }))).toBe('queued');
    }),
  );

  it(
    'a task that did not start in time fails, wherever it waits',
    scenario((cluster) => {
      const queued = cluster.submit({ queueTimeoutMs: 5_000 });
      const pending = cluster.submit({ queueTimeoutMs: 5_000, dependsOn: [queued] });
      cluster.advance(4_999);
      expect(cluster.state(queued)).toBe('queued');
      cluster.advance(1);
      expect(cluster.state(queued)).toBe('failed(queue_timeout)');
      expect(cluster.state(pending)).toBe('failed(dependency_failed)');
    }),
  );

  it(
    'an attempt that prepares for too long is stopped for it; a running one is not',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
      const slow = cluster.submit({ queueTimeoutMs: 20_000 });
      const quick = cluster.submit({ queueTimeoutMs: 20_000 });
      cluster.effects();
      w1.starting(slow);
      w1.run(quick);
      cluster.advance(20_000);
      expect(cluster.effects()).toEqual(['stop t1/1 on w1: queue_timeout']);
      expect(cluster.attempt(slow).state).toBe('stopping');
      w1.ended(slow, 'queue_timeout');
      expect(cluster.state(slow)).toBe('failed(queue_timeout)');
      expect(cluster.state(quick)).toBe('running');
    }),
  );
});

it(
  'a task that has started once is in time, even if it waits again',
  scenario((cluster) => {
    const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
    const id = cluster.submit({ queueTimeoutMs: 10_000, retry: { limit: 1, backoffMs: 30_000 } });
    cluster.effects();
    w1.run(id);
    w1.ended(id, 'exit_nonzero');
    cluster.advance(20_000);
    expect(cluster.state(id)).toBe('pending');
  }),
);

it(
  'tasks submitted together form a job',
  scenario((cluster) => {
    const job = { id: 'job-1', name: 'sweep' };
    expect(cluster.trySubmitAll([task('a'), task('b')], { job })).toMatchObject({ jobId: 'job-1' });
    expect(cluster.sink.jobs.get('job-1')).toMatchObject({ size: 2, name: 'sweep', owner: 'ann' });
    expect(cluster.task('b').jobId).toBe('job-1');
  }),
);
