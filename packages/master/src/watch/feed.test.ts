// What the feed makes of commits, and of commits that it was not told of.
import type { Change, ClusterEvent } from '@cloudai/engine';
import { expect, test } from 'vitest';
import { Feed } from './feed.ts';

function event(sequence: number): Change {
  const row: ClusterEvent = {
    ...{ sequence, at: 0, kind: 'master_started', namespace: null, taskId: null, attempt: null },
    ...{ workerId: null, by: null, message: null },
  };
  return { kind: 'event', row };
}

function feedAt(sequence: number) {
  let tell = (_changes: readonly Change[]) => {};
  const engine = {
    cluster: () => ({ eventSequence: sequence }),
    task: () => null,
    worker: () => null,
    attempts: () => [],
  };
  const loop = {
    engine,
    onCommitted(listener: typeof tell) {
      tell = listener;
      return () => {};
    },
  };
  const feed = new Feed(loop as never);
  return { feed, commit: (...changes: Change[]) => tell(changes) };
}

test('a master that has read its store anew leaves a hole: what is after it is kept, what was before is not', () => {
  const { feed, commit } = feedAt(4);
  commit(event(5), { kind: 'workerRemoved', workerId: 'w-1' });
  expect([feed.events.floor, feed.head]).toEqual([4, 5]);
  const reader = feed.workers.next;
  // 6 was stored on the way up and told to nobody.
  commit(event(7), { kind: 'workerRemoved', workerId: 'w-2' });
  expect([feed.events.floor, feed.head]).toEqual([6, 7]);
  expect(reader).toBeLessThan(feed.workers.first);
  expect(feed.workers.positionAfter(5)).toBeNull();
  expect(feed.workers.positionAfter(6)).not.toBeNull();
});

test('a batch that was under way when the feed was made is in it', () => {
  const { feed, commit } = feedAt(6);
  commit(event(5), event(6));
  expect([feed.events.floor, feed.head]).toEqual([4, 6]);
});
