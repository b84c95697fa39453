// Going on after a broken connection: every event once and in order, or a gap that says so.

import { spec } from '@cloudai/engine/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { newId } from '../ids.ts';
import { randomFrom, SEED } from '../testing/random.ts';
import { WatchCase } from '../testing/watch-case.ts';
import { Watcher } from '../testing/watcher.ts';

// On a machine that is busy with other tests everything takes its time.
vi.setConfig({ testTimeout: 30_000 });

let at: WatchCase;
afterEach(() => at.close());

const RECONNECTS = 100;

/** Submits, cancels and re-prioritises as fast as it is taken, until it is stopped. */
async function load(next: () => number, isOver: () => boolean): Promise<void> {
  const { bench } = at;
  const waiting: string[] = [];
  while (!isOver()) {
    const count = 1 + Math.floor(next() * 20);
    const tasks = Array.from({ length: count }, () => ({ id: newId(), name: null, spec: spec({}), retryOf: null }));
    await bench.apply({
      ...{ kind: 'submitTasks', namespace: 'default', owner: 'admin', tasks },
      ...{ job: null, idempotency: null, knownOutcomes: {} },
    });
    waiting.push(...tasks.map(({ id }) => id));
    while (waiting.length > 50) {
      const [id] = waiting.splice(Math.floor(next() * waiting.length), 1);
      await bench.apply({ kind: 'cancelTask', taskId: id!, by: 'admin', message: null });
    }
  }
}

test(`a reader that comes back ${RECONNECTS} times at random moments under load gets every event once and in order (seed ${SEED})`, {
  timeout: 60_000,
}, async () => {
  const next = randomFrom(SEED);
  // A small memory, so that readers come back behind it as often as within it.
  at = await WatchCase.open({ watch: { feed: { events: 300, changes: 300 } } });
  let isOver = false;
  const working = load(randomFrom(SEED + 1), () => isOver);
  const seen: number[] = [];
  let after = 0;
  for (let connection = 0; connection <= RECONNECTS; connection++) {
    const watcher = await Watcher.open(at.url, at.token('admin'));
    watcher.send({ kind: 'subscribe', id: 'e', topic: 'events', after });
    const most = Math.floor(next() * 400);
    for (let count = 0; count < most; ) {
      const { sequence } = await watcher.next('event');
      seen.push(sequence);
      after = sequence;
      count += 1;
      // Sometimes it falls behind.
      if (next() < 0.002) await new Promise((resolve) => setTimeout(resolve, 30 * next()));
    }
    watcher.close();
  }
  isOver = true;
  await working;
  const last = await at.watch();
  last.send({ kind: 'subscribe', id: 'e', topic: 'events', after });
  while (after < at.bench.engine.cluster().eventSequence) {
    const { sequence } = await last.next('event');
    seen.push(sequence);
    after = sequence;
  }
  const all = Array.from({ length: at.bench.engine.cluster().eventSequence }, (_, index) => index + 1);
  expect(seen).toEqual(all);
});

test('from any cursor each later event comes once and in order, over batches from the store and into memory', async () => {
  at = await WatchCase.open({ watch: { feed: { events: 30 } } });
  for (let count = 0; count < 13; count++)
    await at.rest.post('/jobs', { tasks: Array.from({ length: 100 }, () => ({ image: 'a' })) });
  for (let count = 0; count < 20; count++) await at.submit();
  const head = at.bench.engine.cluster().eventSequence;
  expect(head).toBeGreaterThan(1_300);
  const watcher = await at.watch();
  const cursors = [0, 1, 250, ...Array.from({ length: 50 }, (_, index) => head - index)];
  for (const after of cursors) {
    const id = `from-${after}`;
    watcher.send({ kind: 'subscribe', id, topic: 'events', after });
    const seen: number[] = [];
    for (;;) {
      while (watcher.messages.length === 0) await watcher.arrival();
      const message = watcher.messages.shift()!;
      if (message.kind === 'event') seen.push(message.sequence);
      if (message.kind === 'synced') break;
    }
    expect(seen).toEqual(Array.from({ length: head - after }, (_, index) => after + 1 + index));
    watcher.send({ kind: 'unsubscribe', id });
    await watcher.next('unsubscribed');
  }
});

test('a filter holds over what comes from the store and what comes from memory', async () => {
  at = await WatchCase.open({ watch: { feed: { events: 20 } } });
  const ids: string[] = [];
  for (let count = 0; count < 50; count++) ids.push(await at.submit());
  for (const id of ids.slice(0, 10)) await at.rest.post(`/tasks/${id}/cancel`);
  const watcher = await at.watch();
  await watcher.subscribe('events', { after: 0, kinds: ['task_cancelled'] });
  const cancelled = [];
  for (let count = 0; count < 10; count++) cancelled.push((await watcher.next('event')).event.taskId);
  expect(cancelled).toEqual(ids.slice(0, 10));
  expect((await watcher.next('synced')).sequence).toBe(at.bench.engine.cluster().eventSequence);
});

test('events that are not kept any more are a gap, and what is kept follows', async () => {
  at = await WatchCase.open({ watch: { feed: { events: 10 } } });
  for (let count = 0; count < 30; count++) await at.submit();
  await at.bench.advance(10_000);
  const kept = at.bench.engine.cluster().eventSequence;
  for (let count = 0; count < 30; count++) await at.submit();
  await at.bench.store.prune({ endedTasksMs: null, eventsMs: 5_000 }, at.bench.now);
  const watcher = await at.watch();
  const { sequence: first } = await watcher.subscribe('events', { after: 3 });
  expect(first).toBe(3);
  const gap = await watcher.next('gap');
  expect(gap).toMatchObject({ after: 3, message: expect.stringContaining('not kept any more') });
  expect(gap.sequence).toBeGreaterThan(3);
  expect(gap.sequence).toBeLessThanOrEqual(kept);
  expect((await watcher.next('event')).sequence).toBe(gap.sequence + 1);
});

test('a cursor from the future is a gap back to now', async () => {
  at = await WatchCase.open();
  const watcher = await at.watch();
  const now = at.bench.engine.cluster().eventSequence;
  for (const topic of ['events', 'tasks', 'workers']) {
    await watcher.subscribe(topic, { after: 1_000_000 });
    expect(await watcher.next('gap')).toMatchObject({ id: topic, after: 1_000_000, sequence: now });
  }
  const id = await at.submit();
  expect((await watcher.next('event')).event.taskId).toBe(id);
});

test('a reader of tasks that is too far behind is told to list them again, and goes on from now', async () => {
  at = await WatchCase.open({ watch: { feed: { changes: 10 } } });
  for (let count = 0; count < 30; count++) await at.submit();
  const watcher = await at.watch();
  await watcher.subscribe('tasks', { after: 1 });
  const gap = await watcher.next('gap');
  expect(gap).toMatchObject({ sequence: at.bench.engine.cluster().eventSequence });
  expect(gap.message).toContain('list the tasks again');
  expect((await watcher.next('synced')).sequence).toBe(gap.sequence);
  const id = await at.submit();
  expect((await watcher.next('task')).task.id).toBe(id);
});

test('a reader whom nothing concerns learns how far it is', async () => {
  at = await WatchCase.open();
  const watcher = await at.watch();
  const { sequence } = await watcher.subscribe('events', { kinds: ['worker_lost'] });
  await watcher.next('synced');
  const tasks = Array.from({ length: 1_100 }, () => ({ image: 'a' }));
  await at.rest.post('/jobs', { tasks });
  expect((await watcher.next('synced')).sequence).toBeGreaterThan(sequence + 1_000);
});
