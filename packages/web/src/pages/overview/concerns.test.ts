import type { ClusterView, QueueView, TaskView, WorkerView } from '@cloudai/sdk';
import { expect, test } from 'vitest';
import { concernsOf } from './concerns.ts';

const cluster = { store: { full: false }, loopLagMs: 1 } as ClusterView;
const worker = (changes: Partial<WorkerView>) =>
  ({ id: 'w', state: 'active', unhealthy: null, lastSeenAt: null, runningTasks: [], ...changes }) as WorkerView;
const failed = { id: 't', reason: 'oom', message: 'Out of memory', endedAt: 'x' } as TaskView;
const waiting = (waitingMs: number, message: string | null) =>
  ({ position: 1, waitingMs, message, task: { id: 'q', submittedAt: 'x' } }) as QueueView['items'][number];

const what = (facts: Partial<Parameters<typeof concernsOf>[0]>) =>
  concernsOf({ cluster, workers: [], failed: [], queue: [], ...facts }).map((concern) => concern.what);

test('a healthy cluster needs nobody', () => {
  expect(what({ workers: [worker({}), worker({ state: 'registered' })], queue: [waiting(1_000, 'wait')] })).toEqual([]);
});

test('the gravest comes first', () => {
  const facts = {
    cluster: { store: { full: true }, loopLagMs: 900 } as ClusterView,
    workers: [worker({ state: 'lost' }), worker({ state: 'suspect' }), worker({ unhealthy: 'no Docker' })],
    queue: [waiting(120_000, 'No suitable worker'), waiting(120_000, null)],
    failed: [failed],
  };
  expect(what(facts)).toEqual([
    'has a full disk',
    'is behind',
    'is lost',
    'is suspect',
    'is unhealthy',
    'waits',
    'failed: oom',
  ]);
});

test('of many failed tasks only the newest are named', () => {
  expect(what({ failed: Array.from({ length: 50 }, () => failed) }).length).toBeLessThan(10);
});
