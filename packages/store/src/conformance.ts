/**
 * What every adapter has to do, against real files or a real database. An adapter's test calls this with its `open`
 * and a maker of fresh places.
 */
import type { Change, Task } from '@cloudai/engine';
import { spec } from '@cloudai/engine/testing';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { OpenOptions, OpenStore, Store, TaskFilter } from './store.ts';
import { jobConformance } from './testing/job-conformance.ts';
import { NaiveStore, sorted } from './testing/naive.ts';
import { batches, eventFilter, step, taskFilter } from './testing/random.ts';
import {
  attemptRow,
  attempts,
  changed,
  clusterRow,
  created,
  endedTask,
  eventRow,
  events,
  idOf,
  jobRow,
  taskRow,
  workerRow,
} from './testing/rows.ts';

export interface Adapter {
  readonly name: string;
  readonly open: OpenStore;
  /** The URL of a place where no store is yet; it goes away with the test. */
  place(): string;
}

const SLOW_MS = 60_000;
const CREATE: OpenOptions = { create: { clusterId: 'cluster-1' }, reserveBytes: 0 };
const ALL: TaskFilter = { namespaces: 'all' };
const EVERYTHING = 0;

export function conformance(adapter: Adapter): void {
  const openAt = async (url: string, options: OpenOptions = {}): Promise<Store> => {
    const store = await adapter.open(url, { reserveBytes: 0, ...options });
    onTestFinished(() => store.close());
    return store;
  };
  const fresh = () => openAt(adapter.place(), CREATE);

  describe(`${adapter.name}: opening`, { timeout: SLOW_MS }, () => {
    test('a missing store is refused and not made', async () => {
      const url = adapter.place();
      await expect(openAt(url)).rejects.toMatchObject({ code: 'store_missing' });
      await expect(openAt(url, { readOnly: true })).rejects.toMatchObject({ code: 'store_missing' });
      await openAt(url, CREATE);
    });

    test('an existing store is not made anew', async () => {
      const url = adapter.place();
      await (await openAt(url, CREATE)).close();
      await expect(openAt(url, CREATE)).rejects.toMatchObject({ code: 'store_exists' });
    });

    test('a new store is empty and knows its cluster', async () => {
      const store = await fresh();
      expect(await store.load(EVERYTHING)).toEqual({
        cluster: null,
        tasks: [],
        attempts: [],
        workers: [],
        namespaces: [],
        users: [],
        tokens: [],
        idempotency: [],
      });
      expect(await store.info()).toMatchObject({ clusterId: 'cluster-1', epoch: 0 });
      expect(await store.fsck()).toEqual([]);
      expect(store.health()).toMatchObject({ state: 'ok', message: null });
    });

    test('a second master is refused, a reader is not', async () => {
      const url = adapter.place();
      const first = await openAt(url, CREATE);
      await expect(openAt(url)).rejects.toMatchObject({ code: 'store_locked' });
      await first.commit(1, created(taskRow(1)));
      const reader = await openAt(url, { readOnly: true });
      expect((await reader.tasks(ALL, 'newest', 10, null)).items).toHaveLength(1);
      expect(await reader.fsck()).not.toContainEqual(expect.objectContaining({ invariant: 'file' }));
      await expect(reader.commit(2, [])).rejects.toMatchObject({ code: 'store_failed' });
      await first.commit(1, created(taskRow(2)));
      await first.close();
      await openAt(url);
    });

    test('nothing is answered after close', async () => {
      const store = await fresh();
      await store.close();
      await store.close();
      await expect(store.commit(1, [])).rejects.toMatchObject({ code: 'store_failed' });
      await expect(store.task('x')).rejects.toMatchObject({ code: 'store_failed' });
    });

    test('close waits for the commits that were asked for', async () => {
      const url = adapter.place();
      const store = await openAt(url, CREATE);
      const commits = Array.from({ length: 20 }, (_, n) => store.commit(1, created(taskRow(n + 1))));
      await store.close();
      await Promise.all(commits);
      expect(await (await openAt(url)).countTasks(ALL)).toEqual({ queued: 20 });
    });
  });

  describe(`${adapter.name}: commits`, { timeout: SLOW_MS }, () => {
    test('folding random changes and loading them back is the same', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 80 }), fc.nat(5_000), async (steps, endedSince) => {
          const url = adapter.place();
          const store = await adapter.open(url, CREATE);
          const naive = new NaiveStore();
          try {
            for (const batch of batches(steps)) {
              await store.commit(1, batch);
              naive.fold(batch);
            }
            expect(sorted(await store.load(endedSince))).toEqual(naive.snapshot(endedSince));
          } finally {
            await store.close();
          }
          const again = await adapter.open(url, { reserveBytes: 0 });
          try {
            expect(sorted(await again.load(EVERYTHING))).toEqual(naive.snapshot(EVERYTHING));
          } finally {
            await again.close();
          }
        }),
        { numRuns: 10 },
      );
    });

    test('a commit is kept whole or not at all, and after a failure nothing more is taken', async () => {
      const url = adapter.place();
      const store = await openAt(url, CREATE);
      await store.commit(1, created(taskRow(1)));
      const orphan = [...created(taskRow(2)), ...attempts(attemptRow('nobody', 1))];
      await expect(store.commit(1, orphan)).rejects.toMatchObject({ code: 'store_failed' });
      expect(store.health()).toMatchObject({ state: 'failed', message: expect.stringContaining('nobody') });
      await expect(store.commit(1, created(taskRow(3)))).rejects.toMatchObject({ code: 'store_failed' });
      expect(await store.countTasks(ALL)).toEqual({ queued: 1 });
      await store.close();
      const again = await openAt(url);
      expect(await again.countTasks(ALL)).toEqual({ queued: 1 });
      await again.commit(1, created(taskRow(2)));
    });

    test('rows that can not be are refused: a task twice, a change of an unknown task, an event twice', async () => {
      const impossible: Change[][] = [
        created(taskRow(1, { id: idOf(7) })),
        created(taskRow(9, { id: idOf(1) })),
        [changed(taskRow(5))],
        events(eventRow(1)),
      ];
      for (const changes of impossible) {
        const store = await fresh();
        await store.commit(1, [...created(taskRow(1)), ...events(eventRow(1))]);
        await expect(store.commit(1, changes)).rejects.toMatchObject({ code: 'store_failed' });
      }
    });

    test('of several images of one row in a batch the last one counts', async () => {
      const store = await fresh();
      const row = taskRow(1, { spec: spec({ labels: { team: 'a' } }) });
      const running = { ...row, state: 'running' as const, fence: 1, version: 3 };
      await store.commit(1, [
        ...created(row),
        changed({ ...row, state: 'assigned', fence: 1, version: 2 }),
        ...attempts(attemptRow(row.id, 1, { state: 'assigned' })),
        changed(running),
        ...attempts(attemptRow(row.id, 1, { state: 'running' })),
        { kind: 'worker', row: workerRow('w1') },
        { kind: 'workerRemoved', workerId: 'w1' },
        { kind: 'cluster', row: clusterRow({ taskSequence: 0 }) },
        { kind: 'cluster', row: clusterRow({ taskSequence: 1 }) },
      ]);
      expect(await store.task(row.id)).toEqual(running);
      expect((await store.attempts(row.id)).map(({ state }) => state)).toEqual(['running']);
      const { workers, cluster } = await store.load(EVERYTHING);
      expect([workers, cluster]).toEqual([[], clusterRow({ taskSequence: 1 })]);
    });

    test('a stale epoch is refused inside the transaction', async () => {
      const url = adapter.place();
      const store = await openAt(url, CREATE);
      await store.commit(1, created(taskRow(1)));
      await store.commit(5, created(taskRow(2)));
      expect((await store.info()).epoch).toBe(5);
      await expect(store.commit(4, created(taskRow(3)))).rejects.toMatchObject({ code: 'stale_epoch' });
      await expect(store.commit(5, [])).rejects.toMatchObject({ code: 'store_failed' });
      await store.close();
      const again = await openAt(url);
      expect(await again.countTasks(ALL)).toEqual({ queued: 2 });
      await expect(again.commit(4, [])).rejects.toMatchObject({ code: 'stale_epoch' });
    });
  });

  describe(`${adapter.name}: loading`, { timeout: SLOW_MS }, () => {
    test('ended tasks come along as far as asked, and whatever still holds a reservation', async () => {
      const store = await fresh();
      const held = endedTask(4, 10, { fence: 1, state: 'failed', reason: 'stuck' });
      await store.commit(1, [
        ...created(taskRow(1), endedTask(2, 10), endedTask(3, 20), held),
        ...attempts(attemptRow(held.id, 1, { state: 'stopping', stopReason: 'stuck' })),
      ]);
      const load = async (endedSince: number) => (await store.load(endedSince)).tasks.map(({ sequence }) => sequence);
      expect(await load(0)).toEqual([1, 2, 3, 4]);
      expect(await load(20)).toEqual([1, 3, 4]);
      expect(await load(21)).toEqual([1, 4]);
      expect((await store.load(21)).attempts).toHaveLength(1);
    });
  });

  describe(`${adapter.name}: questions`, { timeout: SLOW_MS }, () => {
    test('random listings and counts agree with a plain filter over all rows', async () => {
      const store = await fresh();
      const naive = new NaiveStore();
      const steps = fc.sample(step, { numRuns: 900, seed: 20_261 });
      for (const batch of batches(steps)) {
        await store.commit(1, batch);
        naive.fold(batch);
      }
      expect(naive.tasks.size).toBeGreaterThan(150);
      await fc.assert(
        fc.asyncProperty(
          taskFilter,
          fc.constantFrom('newest' as const, 'oldest' as const, 'priority' as const),
          fc.integer({ min: 1, max: 60 }),
          async (filter, order, limit) => {
            const expected = naive.list(filter, order).map(({ id }) => id);
            const found = await walk(store, filter, order, limit);
            expect(found.map(({ id }) => id)).toEqual(expected);
            for (const task of found.slice(0, 5)) expect(task).toEqual(naive.tasks.get(task.id));
            const counts = Object.values(await store.countTasks(filter)).reduce((sum, count) => sum + count, 0);
            expect(counts).toBe(expected.length);
          },
        ),
        { numRuns: 400 },
      );
      await fc.assert(
        fc.asyncProperty(
          eventFilter,
          fc.nat(200),
          fc.integer({ min: 1, max: 50 }),
          fc.constantFrom('oldest' as const, 'newest' as const),
          async (filter, from, limit, order) => {
            expect(await store.events(filter, from, limit, order)).toEqual(
              naive.listEvents(filter, from, limit, order),
            );
          },
        ),
        { numRuns: 200 },
      );
    });

    test('paging has no gap and no repeat while tasks are submitted and change', async () => {
      const store = await fresh();
      let count = 0;
      const submit = async (many: number) => {
        const rows = Array.from({ length: many }, () => taskRow(++count));
        await store.commit(1, created(...rows));
      };
      await submit(95);
      for (const order of ['newest', 'oldest'] as const) {
        const before = count;
        const seen: number[] = [];
        let cursor: string | null = null;
        do {
          const page: Awaited<ReturnType<Store['tasks']>> = await store.tasks(ALL, order, 10, cursor);
          seen.push(...page.items.map(({ sequence }) => sequence));
          cursor = page.next;
          if (count < before + 40) await submit(7);
          await store.commit(1, [changed(taskRow(1 + (seen.length % 90), { message: `page ${seen.length}` }))]);
        } while (cursor !== null);
        expect(new Set(seen).size).toBe(seen.length);
        const expected = order === 'newest' ? before : count;
        expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: expected }, (_, n) => n + 1));
      }
    });

    test('a cursor that was edited, or belongs to another listing, is refused', async () => {
      const store = await fresh();
      await store.commit(1, created(...Array.from({ length: 9 }, (_, n) => taskRow(n + 1))));
      const mine: TaskFilter = { namespaces: ['default'], labels: {} };
      const { next } = await store.tasks(mine, 'newest', 3, null);
      if (next === null) throw new Error('there are more pages');
      expect((await store.tasks({ labels: {}, namespaces: ['default'] }, 'newest', 3, next)).items).toHaveLength(3);
      const refused = [
        () => store.tasks(mine, 'oldest', 3, next),
        () => store.tasks(mine, 'priority', 3, next),
        () => store.tasks(ALL, 'newest', 3, next),
        () => store.attemptsOnWorker('w1', 3, next),
        ...['', 'x', '%', 'WzFd', `${next}A`, next.slice(0, -2), 'A'.repeat(5_000)].map(
          (cursor) => () => store.tasks(mine, 'newest', 3, cursor),
        ),
      ];
      for (const ask of refused) await expect(ask()).rejects.toThrow(RangeError);
      for (const limit of [0, -1, 1.5, Number.NaN, 10_001]) {
        await expect(store.tasks(mine, 'newest', limit, null)).rejects.toThrow(RangeError);
      }
    });

    test('what is in other namespaces stays unseen, however it is asked for', async () => {
      const store = await fresh();
      const theirs = taskRow(1, {
        namespace: 'theirs',
        name: 'secret',
        jobId: 'j',
        spec: spec({ labels: { a: 'b' } }),
      });
      await store.commit(1, [
        ...created(theirs),
        ...attempts(attemptRow(theirs.id, 1)),
        ...events(
          eventRow(1, { namespace: 'theirs', taskId: theirs.id, workerId: 'w1' }),
          eventRow(2, { namespace: null }),
        ),
      ]);
      const ways: Partial<TaskFilter>[] = [
        {},
        { idPrefix: theirs.id },
        { name: 'secret' },
        { jobId: 'j' },
        { labels: { a: 'b' } },
        { workerId: 'w1' },
        { owner: 'ada' },
        { states: ['queued'] },
        { states: ['queued'], owner: 'ada' },
      ];
      for (const way of ways) {
        for (const namespaces of [['ours'], []]) {
          expect((await store.tasks({ ...way, namespaces }, 'priority', 9, null)).items).toEqual([]);
          expect((await store.tasks({ ...way, namespaces }, 'newest', 9, null)).items).toEqual([]);
          expect(await store.countTasks({ ...way, namespaces })).toEqual({});
        }
        expect((await store.tasks({ ...way, namespaces: ['theirs'] }, 'newest', 9, null)).items).toHaveLength(1);
      }
      for (const filter of [{}, { taskId: theirs.id }, { workerId: 'w1' }]) {
        expect(await store.events({ ...filter, namespaces: ['ours'] }, 0, 9)).toEqual([]);
      }
      expect(await store.events({ namespaces: 'all' }, 0, 9)).toHaveLength(2);
    });

    test('attempts are listed by task, and by worker the newest first', async () => {
      const store = await fresh();
      const rows = [1, 2, 3].map((n) => taskRow(n, { fence: 2 }));
      await store.commit(1, created(...rows));
      for (const number of [1, 2]) {
        for (const { id } of rows) {
          await store.commit(1, attempts(attemptRow(id, number, { workerId: number === 1 ? 'w1' : 'w2' })));
        }
      }
      expect((await store.attempts(rows[1]!.id)).map(({ number }) => number)).toEqual([1, 2]);
      expect(await store.attempts('nobody')).toEqual([]);
      const first = await store.attemptsOnWorker('w2', 2, null);
      const second = await store.attemptsOnWorker('w2', 2, first.next);
      expect([...first.items, ...second.items].map(({ taskId, number }) => [taskId, number])).toEqual(
        [3, 2, 1].map((n) => [idOf(n), 2]),
      );
      expect(second.next).toBeNull();
    });

    jobConformance(fresh);
  });

  describe(`${adapter.name}: keeping and forgetting`, { timeout: SLOW_MS }, () => {
    test('prune takes old ended tasks with all that is theirs, and the oldest events', async () => {
      const store = await fresh();
      const shared = spec({ labels: { team: 'a' } });
      const old = Array.from({ length: 1_200 }, (_, n) =>
        endedTask(n + 1, 1_000 + n, { spec: shared, jobId: n < 1_100 ? 'j1' : 'j2', fence: 1 }),
      );
      const held = endedTask(1_201, 1, { fence: 1, spec: shared });
      const live = taskRow(1_202, { spec: shared, jobId: 'j2' });
      await store.commit(1, [
        { kind: 'job', row: jobRow('j1') },
        { kind: 'job', row: jobRow('j2') },
        ...created(...old, held, live),
        ...attempts(...old.map(({ id }) => attemptRow(id, 1, { state: 'lost', endedAt: 5, reason: 'worker_lost' }))),
        ...attempts(attemptRow(held.id, 1, { state: 'unknown', stopReason: 'cancelled_by_user' })),
        ...events(...old.map(({ id }, n) => eventRow(n + 1, { at: n, taskId: id }))),
        { kind: 'cluster', row: clusterRow({ taskSequence: 1_202, eventSequence: 1_200 }) },
      ]);
      expect(await store.prune({ endedTasksMs: null, eventsMs: null }, 1e12)).toEqual({ taskIds: [], events: 0 });

      const pruned = await store.prune({ endedTasksMs: 1_000, eventsMs: 4_000 }, 4_200);
      expect([...pruned.taskIds].sort()).toEqual(
        old
          .filter(({ endedAt }) => endedAt! < 3_200)
          .map(({ id }) => id)
          .sort(),
      );
      expect(pruned.events).toBe(200);
      expect(await store.task(old[0]!.id)).toBeNull();
      expect(await store.attempts(old[0]!.id)).toEqual([]);
      expect((await store.load(EVERYTHING)).tasks.map(({ id }) => id)).toEqual([held.id, live.id]);
      expect((await walk(store, { ...ALL, labels: { team: 'a' } }, 'newest', 100)).length).toBe(2);
      expect([await store.job('j1'), await store.job('j2')]).toEqual([null, jobRow('j2')]);
      expect(await store.events({ namespaces: 'all' }, 0, 1)).toMatchObject([{ sequence: 201 }]);

      // The newest event stays, whatever its age: the sequence goes on from there.
      expect(await store.prune({ endedTasksMs: null, eventsMs: 0 }, 1e12)).toEqual({ taskIds: [], events: 999 });
      expect(await store.events({ namespaces: 'all' }, 0, 5)).toMatchObject([{ sequence: 1_200 }]);
    });
  });
}

async function walk(
  store: Store,
  filter: TaskFilter,
  order: 'newest' | 'oldest' | 'priority',
  limit: number,
): Promise<Task[]> {
  const found: Task[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Store['tasks']>> = await store.tasks(filter, order, limit, cursor);
    if (page.items.length > limit || (page.next !== null && page.items.length < limit)) {
      throw new Error(`a page of ${page.items.length} where ${limit} were asked for`);
    }
    found.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return found;
}
