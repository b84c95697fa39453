// What each topic tells.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { WorkerUsage } from '../context.ts';
import { WatchCase } from '../testing/watch-case.ts';

// On a machine that is busy with other tests everything takes its time.
vi.setConfig({ testTimeout: 30_000 });

let at: WatchCase;

beforeAll(async () => {
  at = await WatchCase.open();
  await at.bench.addUser('ann', 'user', ['default']);
  await at.bench.addWorker('w-1', { cpu: 64, memory: 256 });
});
afterEach(() => at.closeWatchers());
afterAll(() => at.close());

describe('events', () => {
  test('come as they happen, each once and in order', async () => {
    const watcher = await at.watch();
    const { sequence } = await watcher.subscribe('events');
    expect((await watcher.next('synced')).sequence).toBe(sequence);
    const id = await at.submit();
    const first = await watcher.next('event');
    expect(first.event).toMatchObject({ kind: 'task_submitted', taskId: id, sequence: first.sequence });
    expect(first.sequence).toBe(sequence + 1);
    expect((await watcher.next('event')).sequence).toBe(sequence + 2);
  });

  test('of one task, of one worker, of some kinds', async () => {
    const id = await at.submit();
    await at.bench.run(id);
    const watcher = await at.watch();
    await watcher.subscribe('events', { after: 0, task: id });
    const kinds = [];
    for (let count = 0; count < 4; count++) kinds.push((await watcher.next('event')).event.kind);
    expect(kinds).toEqual(['task_submitted', 'task_assigned', 'task_starting', 'task_running']);
    await watcher.next('synced');
    await watcher.subscribe('events', { after: 0, worker: 'w-1', kinds: ['worker_added', 'worker_joined'] }, 'w');
    expect((await watcher.next('event')).event).toMatchObject({ kind: 'worker_added', worker: 'w-1' });
    expect((await watcher.next('event')).event.kind).toBe('worker_joined');
    await at.submit();
    await at.bench.end(id);
    expect((await watcher.next('event')).event).toMatchObject({ kind: 'task_completed', taskId: id });
  });

  test('a task that there is not', async () => {
    const watcher = await at.watch();
    watcher.send({ kind: 'subscribe', id: 'x', topic: 'events', task: 'aaaaaaaaaaaaaaaa' });
    expect(await watcher.next('error')).toMatchObject({ id: 'x', error: { code: 'task_unknown' } });
  });
});

describe('tasks', () => {
  test('the newest row of each that matches, and which of them do not match any more', async () => {
    const watcher = await at.watch('ann');
    await watcher.subscribe('tasks', { state: 'running' });
    const id = await at.submit('ann');
    await at.bench.run(id);
    expect((await watcher.next('task')).task).toMatchObject({ id, state: 'running', worker: 'w-1' });
    await at.bench.end(id);
    expect(await watcher.next('left')).toMatchObject({ taskId: id });
  });

  test('go on where a list was read, with nothing in between missing', async () => {
    const { headers } = await at.rest.get('/tasks');
    const ids = [await at.submit(), await at.submit()];
    const watcher = await at.watch();
    await watcher.subscribe('tasks', { after: Number(headers['x-cloudai-sequence']) });
    // One that is known may come again; none that is new may stay away.
    const found: string[] = [];
    while (found.length < 2) {
      const { task } = await watcher.next('task');
      if (ids.includes(task.id)) found.push(task.id);
    }
    expect(found).toEqual(ids);
  });

  test('what lies between two looks of a reader is left out', async () => {
    const { headers } = await at.rest.get('/tasks');
    const id = await at.submit();
    await at.bench.run(id);
    await at.bench.end(id);
    const watcher = await at.watch();
    await watcher.subscribe('tasks', { ids: [id], after: Number(headers['x-cloudai-sequence']) });
    const [row, synced] = [await watcher.next('task'), watcher.messages];
    expect(row.task).toMatchObject({ id, state: 'completed' });
    while (synced.length === 0) await watcher.arrival();
    expect(synced[0]).toMatchObject({ kind: 'synced' });
  });

  test('filters read as those of the list', async () => {
    const watcher = await at.watch();
    const filters: [string, object][] = [
      ['by-label', { label: 'team=red,zone=a' }],
      ['by-name', { name: 'render' }],
      ['by-owner', { owner: 'ann' }],
      ['by-image', { image: 'b:1' }],
      ['by-job', { job: 'none' }],
      ['by-prefix', { idPrefix: 'zzzz' }],
      ['by-search', { q: 'REND' }],
      ['by-time', { submittedBefore: '1h' }],
    ];
    for (const [id, filter] of filters) await watcher.subscribe('tasks', filter, id);
    const task = await at.submit('ann', { image: 'b:1', name: 'render', labels: { team: 'red', zone: 'a' } });
    await watcher.subscribe('tasks', { ids: [task], after: 0 }, 'late');
    const fitting = new Set<string>();
    for (let count = 0; count < 5; count++) fitting.add((await watcher.next('task')).id);
    expect([...fitting].sort()).toEqual(['by-image', 'by-label', 'by-name', 'by-owner', 'by-search']);
    watcher.send({ kind: 'subscribe', id: 'bad', topic: 'tasks', state: 'sleeping' });
    expect(await watcher.next('error')).toMatchObject({ id: 'bad', error: { code: 'invalid_argument' } });
  });
});

describe('workers', () => {
  test('what they are and what is held on them, whenever that has changed', async () => {
    const watcher = await at.watch();
    await watcher.subscribe('workers');
    const id = await at.submit('ann', { resources: { cpu: 3, memory: '1Gi' } });
    await at.bench.run(id);
    const { worker } = await watcher.next('worker', ({ worker: found }) =>
      found.runningTasks.some(({ taskId, state }) => taskId === id && state === 'running'),
    );
    expect(worker).toMatchObject({ id: 'w-1', state: 'active' });
    await at.rest.post('/workers/w-1/drain', { reason: 'repair' });
    await watcher.next('worker', ({ worker: found }) => found.drain?.reason === 'repair');
    await at.rest.post('/workers/w-1/drain', { off: true });
    await watcher.next('worker', ({ worker: found }) => found.drain === null);
    await at.bench.end(id);
    await at.bench.addWorker('w-2');
    await watcher.next('worker', ({ worker: found }) => found.id === 'w-2');
  });
});

describe('queue and cluster', () => {
  test('come at once, and again when something has changed', async () => {
    const [watcher, other] = [await at.watch(), await at.watch()];
    await other.subscribe('cluster');
    const before = (await other.next('cluster')).cluster.tasks.queued ?? 0;
    await watcher.subscribe('queue', { limit: 5 });
    expect((await watcher.next('queue')).queue.items).toEqual([]);
    const id = await at.submit('ann', { resources: { cpu: 1000, memory: '1Gi' } });
    const { queue } = await watcher.next('queue', ({ queue: found }) => found.total === 1);
    expect(queue.items).toMatchObject([{ position: 1, task: { id } }]);
    await other.next('cluster', ({ cluster }) => cluster.tasks.queued === before + 1);
    await at.rest.post(`/tasks/${id}/cancel`);
    await watcher.next('queue', ({ queue: found }) => found.total === 0);
  });
});

describe('telemetry', () => {
  test('the newest sample of each worker, with the tasks that the reader may see', async () => {
    const id = await at.submit('ann');
    await at.bench.run(id);
    const watcher = await at.watch('ann');
    await watcher.subscribe('telemetry');
    await watcher.subscribe('telemetry', { task: id }, 'mine');
    at.bench.measure('w-1', usage(0.25, [id]));
    at.bench.measure('w-1', usage(0.5, [id, 'aaaaaaaaaaaaaaaa']));
    const ids = new Set<string>();
    while (ids.size < 2) {
      const { id: subscription, samples } = await watcher.next('telemetry');
      ids.add(subscription);
      expect(samples).toMatchObject([{ worker: 'w-1', usage: { cpu: 0.5 }, tasks: [{ taskId: id, memoryBytes: 7 }] }]);
    }
    await at.bench.end(id);
  });
});

function usage(cpu: number, tasks: readonly string[]): WorkerUsage {
  const rest = { storageBytes: 0, networkRxBytes: 0, networkTxBytes: 0 };
  return {
    ...{ at: at.bench.now, cpu, memoryBytes: 1, gpu: 0, ...rest },
    attempts: tasks.map((taskId) => ({
      ...{ taskId, attempt: 1, cpuMicros: 5, cpuMillis: 5, memoryBytes: 7, memoryPeakBytes: 7, ...rest },
      paused: false,
    })),
  };
}

describe('logs', () => {
  test('what is there, what comes, and the end', async () => {
    const id = await at.submit('ann');
    await at.bench.run(id);
    await at.bench.log(id, 'one\n');
    const watcher = await at.watch('ann');
    await watcher.subscribe('logs', { task: id });
    expect((await watcher.next('log')).line).toMatchObject({ kind: 'data', text: 'one\n', offset: 0, attempt: 1 });
    await at.bench.log(id, 'two\n', 'stderr');
    expect((await watcher.next('log')).line).toMatchObject({ stream: 'stderr', text: 'two\n' });
    await at.bench.end(id);
    await at.bench.endLog(id);
    expect((await watcher.next('log')).line).toMatchObject({ kind: 'end', state: 'completed' });
    expect(await watcher.next('unsubscribed')).toMatchObject({ id: 'logs' });
  });

  test('go on at the byte where a connection broke', async () => {
    const id = await at.submit('ann');
    await at.bench.run(id);
    await at.bench.log(id, 'abcdef\n');
    await at.bench.log(id, 'error\n', 'stderr');
    const watcher = await at.watch('ann');
    await watcher.subscribe('logs', { task: id, attempt: 'all', offset: { attempt: 1, stdout: 3, stderr: 6 } });
    expect((await watcher.next('log')).line).toMatchObject({ stream: 'stdout', offset: 3, text: 'def\n' });
    await at.bench.log(id, 'x\n', 'stderr');
    expect((await watcher.next('log')).line).toMatchObject({ stream: 'stderr', offset: 6, text: 'x\n' });
    await at.bench.end(id);
    await at.bench.endLog(id);
  });
});

describe('subscriptions', () => {
  test('end when they are taken back, and the others go on', async () => {
    const watcher = await at.watch();
    await watcher.subscribe('events', {}, 'one');
    await watcher.subscribe('events', {}, 'two');
    watcher.send({ kind: 'unsubscribe', id: 'one' });
    await watcher.next('unsubscribed', ({ id }) => id === 'one');
    await at.submit();
    expect((await watcher.next('event')).id).toBe('two');
    // One that is not there (any more) is no mistake.
    watcher.send({ kind: 'unsubscribe', id: 'one' });
    await watcher.subscribe('events', {}, 'one');
  });

  test('an id is taken once', async () => {
    const watcher = await at.watch();
    await watcher.subscribe('events', {}, 'one');
    watcher.send({ kind: 'subscribe', id: 'one', topic: 'queue' });
    const { id, error } = await watcher.next('error');
    expect(id).toBeUndefined();
    expect(error.message).toContain('one is subscribed already');
    await at.submit();
    await watcher.next('event');
  });
});
