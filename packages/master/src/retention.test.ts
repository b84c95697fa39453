import { expect, test } from 'vitest';
import { Retention, type RetentionOptions } from './retention.ts';

class FakeFiles {
  readonly ids: Set<string>;
  constructor(...ids: string[]) {
    this.ids = new Set(ids);
  }
  remove(taskId: string): Promise<void> {
    this.ids.delete(taskId);
    return Promise.resolve();
  }
  async *taskIds(): AsyncIterable<string> {
    yield* [...this.ids];
  }
}

function setup(rest: Partial<RetentionOptions> = {}) {
  const rows = new Set(['old1', 'old2', 'new1']);
  const logs = new FakeFiles('old1', 'new1', 'orphan', 'live1');
  const artifacts = new FakeFiles('old2', 'orphan');
  const counts: object[] = [];
  const errors: unknown[] = [];
  const retention = new Retention({
    limits: { endedTasksMs: 1_000, eventsMs: null },
    everyMs: 3_600_000,
    store: {
      prune: () => {
        const taskIds = [...rows].filter((id) => id.startsWith('old')).slice(0, 1);
        for (const id of taskIds) rows.delete(id);
        return Promise.resolve({ taskIds, events: 0 });
      },
      task: (id) => Promise.resolve(rows.has(id) ? ({} as never) : null),
    },
    logs,
    artifacts,
    isKnown: (id) => id === 'live1',
    now: () => 0,
    onRemoved: (removed) => counts.push(removed),
    onError: (error) => errors.push(error),
    ...rest,
  });
  return { retention, rows, logs, artifacts, counts, errors };
}

test('rows go step by step, their logs and files with them, and files that no row names', async () => {
  const { retention, rows, logs, artifacts, counts } = setup();
  await retention.run();
  expect([...rows]).toEqual(['new1']);
  expect([...logs.ids]).toEqual(['new1', 'live1']);
  expect([...artifacts.ids]).toEqual([]);
  expect(counts).toEqual([{ tasks: 2, events: 0, orphans: 2 }]);
});

test('a store that fails is told of, and the next round is tried', async () => {
  let fails = true;
  const { retention, errors, counts } = setup({
    store: {
      prune: () => (fails ? Promise.reject(new Error('busy')) : Promise.resolve({ taskIds: [], events: 3 })),
      task: () => Promise.resolve(null),
    },
  });
  await retention.run();
  expect(errors).toEqual([new Error('busy')]);
  fails = false;
  const round = retention.run();
  await retention.stop();
  await round;
  expect(counts).toEqual([{ tasks: 0, events: 3, orphans: 0 }]);
});
