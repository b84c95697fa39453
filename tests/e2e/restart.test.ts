// Running tasks survive the restart of everything: of the worker's process, of the master, of Docker.
import type { TaskView } from '@cloudai/sdk';
import { describe, expect, test } from 'vitest';
import { checkNothingAllocated, checkNumberedLines, checkTimeline, collectLog } from './checks.ts';
import { BACK_WITHIN_MS, Cluster, IMAGE } from './cluster.ts';
import { PrivateEngine } from './engine.ts';
import { canMakeNetworks } from './network.ts';
import { useCluster } from './use-cluster.ts';
import { until } from './wait.ts';

const LINES = 70;
/** About four seconds of a line every 50 ms, and an exit code of its own. */
const COUNTING = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo $i; sleep 0.05; done; exit 9`;

async function startCounting(cluster: Cluster, command = COUNTING): Promise<TaskView> {
  const { id } = await cluster.client.submitTask({
    image: IMAGE,
    command,
    resources: { cpu: 0.5, memory: '32Mi' },
  });
  return until(
    async () => {
      const { task } = await cluster.client.getTask(id);
      return task.state === 'running' && task;
    },
    { what: 'the task to run' },
  );
}

/** The task went on in its one container, and nothing of its log is missing or doubled. */
async function expectWhole(cluster: Cluster, id: string): Promise<void> {
  const { task, attempts } = await cluster.client.waitForTask(id);
  expect(task).toMatchObject({ state: 'failed', reason: 'exit_nonzero', exitCode: 9, attempt: 1 });
  expect(attempts).toHaveLength(1);
  checkNumberedLines((await collectLog(cluster.client, id)).stdout, LINES);
  await checkTimeline(cluster.client, [id]);
  await checkNothingAllocated(cluster.client);
}

describe('of worker and master', () => {
  const cluster = useCluster({ workers: [{}] });

  test.each(['kill9', 'stop'] as const)('the worker, by %s: its containers are adopted', async (how) => {
    const { id } = await startCounting(cluster);
    const following = collectLog(cluster.client, id, { follow: true });
    const backMs = await cluster.restartWorker('worker-1', how);
    expect(backMs).toBeLessThan(BACK_WITHIN_MS);
    checkNumberedLines((await following).stdout, LINES);
    await expectWhole(cluster, id);
  });

  test.each(['kill9', 'stop'] as const)('the master, by %s: nobody notices', async (how) => {
    const { id } = await startCounting(cluster);
    const following = collectLog(cluster.client, id, { follow: true });
    const backMs = await cluster.restartMaster(how);
    expect(backMs).toBeLessThan(BACK_WITHIN_MS);
    const live = await following;
    checkNumberedLines(live.stdout, LINES);
    expect(live.end).toMatchObject({ state: 'failed', exitCode: 9 });
    await expectWhole(cluster, id);
  });

  test('both at once', async () => {
    const { id } = await startCounting(cluster);
    await Promise.all([cluster.worker('worker-1').kill9(), cluster.master.kill9()]);
    await cluster.startMaster();
    await cluster.startWorker('worker-1');
    await expectWhole(cluster, id);
  });

  test('a container that ended while its worker was away is told with its exit code and whole log', async () => {
    const { id } = await startCounting(cluster, 'seq 1 2000; sleep 0.5; exit 9');
    await cluster.worker('worker-1').kill9();
    await until(async () => (await cluster.containersOf(id))[0]?.State === 'exited', { what: 'the container to end' });
    await cluster.startWorker('worker-1');
    const { task, attempts } = await cluster.client.waitForTask(id);
    expect(task).toMatchObject({ state: 'failed', exitCode: 9, attempt: 1 });
    expect(attempts).toHaveLength(1);
    checkNumberedLines((await collectLog(cluster.client, id)).stdout, 2000);
  });

  test('a task cancelled while its worker was away is stopped when it returns', async () => {
    const { id } = await startCounting(cluster, 'sleep 60');
    await cluster.worker('worker-1').kill9();
    await cluster.client.cancelTask(id);
    await cluster.startWorker('worker-1');
    expect((await cluster.client.waitForTask(id)).task).toMatchObject({ state: 'cancelled' });
    await until(async () => (await cluster.containersOf(id)).length === 0, { what: 'its container to be removed' });
  });
});

describe('of a worker that stays away', () => {
  const cluster = useCluster({ workers: [{}, {}] });

  test('its tasks are run elsewhere, and what it brings back late changes nothing', async () => {
    const first = await startCounting(
      cluster,
      'echo attempt $CLOUDAI_ATTEMPT; [ $CLOUDAI_ATTEMPT -ge 2 ] && exit 0; sleep 300',
    );
    const home = first.worker!;
    await cluster.worker(home).kill9();
    const { task, attempts } = await cluster.client.waitForTask(first.id);
    expect(task).toMatchObject({ state: 'completed', attempt: 2 });
    expect(attempts[0]).toMatchObject({ worker: home, state: 'lost', reason: 'worker_lost' });
    expect(attempts[1]!.worker).not.toBe(home);
    // Its container still runs; nobody is there to stop it.
    const left = (await cluster.containersOf(first.id)).filter(({ Labels }) => Labels['ai.cloudai.attempt'] === '1');
    expect(left.map(({ State }) => State)).toEqual(['running']);
    await cluster.startWorker(home);
    await until(async () => (await cluster.containersOf(first.id)).length === 0, {
      what: 'the old container to be removed',
    });
    expect((await cluster.client.getTask(first.id)).task).toEqual(task);
    await checkTimeline(cluster.client, [first.id]);
    await checkNothingAllocated(cluster.client);
  });
});

describe.skipIf(!canMakeNetworks())('of Docker with live-restore', () => {
  test.each(['kill9', 'stop'] as const)('by %s: containers go on and are accounted for', async (how) => {
    const engine = await PrivateEngine.start();
    const cluster = new Cluster({ dockerHost: engine.host });
    try {
      await cluster.start();
      const { id } = await startCounting(cluster);
      const following = collectLog(cluster.client, id, { follow: true });
      await engine[how]();
      await engine.start();
      checkNumberedLines((await following).stdout, LINES);
      await expectWhole(cluster, id);
    } catch (error) {
      console.error(cluster.report());
      throw error;
    } finally {
      try {
        await cluster.close();
      } finally {
        await engine.close();
      }
    }
  });
});
