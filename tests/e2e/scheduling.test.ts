// The scheduler on a real cluster: switched while tasks run, with tasks of higher priority and gangs.
import type { TaskSubmission, TaskView } from '@cloudai/sdk';
import { describe, expect, test } from 'vitest';
import { checkNothingAllocated, checkTimeline, waitForAll } from './checks.ts';
import { IMAGE } from './cluster.ts';
import { useCluster } from './use-cluster.ts';
import { until } from './wait.ts';

const SMALL = { cpu: 1, memory: '16Mi', storage: '16Mi' };

describe('a cluster of two workers', () => {
  const cluster = useCluster({
    workers: [
      { id: 'east', cpu: 2 },
      { id: 'west', cpu: 2 },
    ],
  });

  function sleeper(seconds: number, rest: Partial<TaskSubmission> = {}): TaskSubmission {
    return { image: IMAGE, command: `sleep ${seconds}`, resources: SMALL, stopGrace: '1s', ...rest };
  }

  async function rowOf(id: string): Promise<TaskView> {
    return (await cluster.client.getTask(id)).task;
  }

  async function running(task: string): Promise<string> {
    return until(
      async () => {
        const { state, worker } = await rowOf(task);
        return state === 'running' && worker !== null ? worker : undefined;
      },
      { what: `task ${task} to run` },
    );
  }

  test('no task is lost or doubled while policies, orders and backfilling change', async () => {
    const tasks = Array.from({ length: 30 }, (_, n) => sleeper(0.2, { expected: n % 2 === 0 ? '1s' : '5s' }));
    const { taskIds } = await cluster.client.submitJob({ tasks });
    for (const line of [
      'fgd --order saf --backfill easy',
      'random --order wfp3 --backfill conservative',
      'ai-aggressive --order auto',
      'rts --order edf --backfill strict',
      'balanced --order fair-share --preemption on',
      'best-fit --order priority --backfill greedy --preemption off',
    ])
      await cluster.run('scheduler', 'use', ...line.split(' '));
    const ended = await waitForAll(cluster.client, taskIds);
    expect(ended.filter(({ state, attempt }) => state !== 'completed' || attempt !== 1)).toEqual([]);
    await checkNothingAllocated(cluster.client);
    await checkTimeline(cluster.client, taskIds);
    expect((await cluster.client.getScheduler()).placement).toBe('best-fit');
  });

  test('a task of higher priority stops one of lower, which runs again later', async () => {
    await cluster.run('scheduler', 'use', '--preemption', 'on');
    const low = await Promise.all(
      [0, 1].map((n) =>
        cluster.client.submitTask(
          sleeper(600, { priority: 10 + n, resources: { ...SMALL, cpu: 2 }, name: `low-${n}` }),
        ),
      ),
    );
    const places = await Promise.all(low.map(({ id }) => running(id)));
    expect(new Set(places)).toEqual(new Set(['east', 'west']));
    const high = await cluster.client.submitTask(sleeper(1, { priority: 90 }));
    expect(await running(high.id)).toBe(places[0]);
    // The lower of the two has gone, is not to blame, and comes back.
    expect(await rowOf(low[1]!.id)).toMatchObject({ state: 'running', attempt: 1 });
    await waitForAll(cluster.client, [high.id]);
    await running(low[0]!.id);
    expect((await rowOf(low[0]!.id)).attempt).toBe(2);
    for (const { id } of low) await cluster.client.cancelTask(id);
    await waitForAll(
      cluster.client,
      low.map(({ id }) => id),
    );
    await checkNothingAllocated(cluster.client);
  });

  test('a gang starts when all of it fits, not before', async () => {
    const other = await cluster.client.submitTask(sleeper(600));
    await running(other.id);
    const tasks = Array.from({ length: 4 }, () => sleeper(600, { gang: true }));
    const { taskIds } = await cluster.client.submitJob({ tasks });
    await until(async () => (await rowOf(taskIds[0]!)).message?.includes('gang'), {
      what: 'the gang to be told why it waits',
    });
    for (const id of taskIds) expect((await rowOf(id)).attempt).toBe(0);
    await cluster.client.cancelTask(other.id);
    await Promise.all(taskIds.map(running));
    for (const id of taskIds) await cluster.client.cancelTask(id);
    await waitForAll(cluster.client, taskIds);
    await checkNothingAllocated(cluster.client);
  });
});
