// A watch lives through restarts of the master: every event once and in order, and the state of then after a list.
import type { TaskView, WatchState } from '@cloudai/sdk';
import { expect, test } from 'vitest';
import { useCluster } from './use-cluster.ts';
import { until } from './wait.ts';

const cluster = useCluster({ workers: [] });
const TASK = { image: 'nobody-runs-it', resources: { cpu: 1, memory: '64Mi' } };

test('events come once and in order over kills and stops of the master, whatever happens meanwhile', async () => {
  const watch = cluster.client.watch({ backoff: { baseMs: 50, maxMs: 200 } });
  const states: WatchState[] = [];
  watch.onState((state) => states.push(state));
  const seen: number[] = [];
  watch.subscribe('events', { after: 0 }, (update) => {
    if (update.kind === 'gap') throw new Error(`a gap: ${update.message}`);
    if (update.kind === 'event') seen.push(update.sequence);
  });
  let isOver = false;
  const load = (async () => {
    while (!isOver) {
      const { id } = await cluster.client.submitTask(TASK);
      await cluster.client.cancelTask(id);
    }
  })();
  for (const how of ['kill9', 'stop', 'kill9'] as const) {
    const before = seen.length;
    await until(() => seen.length > before + 20, { what: 'events to come' });
    await cluster.restartMaster(how);
  }
  isOver = true;
  await load;
  const all = (await cluster.client.listEvents().take(100_000)).map(({ sequence }) => sequence);
  await until(() => (seen.at(-1) ?? 0) >= all.at(-1)!, { what: 'the last event' });
  expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => index + 1));
  expect(states.filter((state) => state === 'stale')).toHaveLength(3);
  expect(watch.master?.epoch).toBeGreaterThanOrEqual(4);
  watch.close();
});

test('what a list shows and what is watched after it are the state as it is', async () => {
  const watch = cluster.client.watch({ backoff: { baseMs: 50, maxMs: 200 } });
  const shown = new Map<string, TaskView>();
  const list = async () => {
    shown.clear();
    let cursor: string | null = null;
    let sequence: number | null = null;
    do {
      const page = await cluster.client.listTasks({ limit: 1000, state: 'queued' }).page(cursor);
      for (const task of page.items) shown.set(task.id, task);
      sequence ??= page.sequence;
      cursor = page.next;
    } while (cursor !== null);
    return sequence!;
  };
  const ids: string[] = [];
  for (let count = 0; count < 10; count++) ids.push((await cluster.client.submitTask(TASK)).id);
  let after = await list();
  const follow = () =>
    watch.subscribe('tasks', { state: 'queued', after }, (update) => {
      if (update.kind === 'task') shown.set(update.task.id, update.task);
      else if (update.kind === 'left') shown.delete(update.taskId);
      else if (update.kind === 'gap')
        void list().then((sequence) => {
          subscription.unsubscribe();
          after = sequence;
          subscription = follow();
        });
    });
  let subscription = follow();
  for (const id of ids.slice(0, 4)) await cluster.client.cancelTask(id);
  await until(() => shown.size === 6, { what: 'four tasks to leave' });
  await cluster.restartMaster('kill9');
  await cluster.client.cancelTask(ids[4]!);
  const late = await cluster.client.submitTask(TASK);
  await until(() => shown.has(late.id) && !shown.has(ids[4]!), { what: 'what happened after the restart' });
  expect([...shown.keys()].sort()).toEqual([...ids.slice(5), late.id].sort());
  watch.close();
});
