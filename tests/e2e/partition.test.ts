// A worker that is cut off: short of the time-out nothing happens, beyond it its tasks run elsewhere, and whoever comes
// back late is told to stop.
import { afterAll, describe, expect, test } from 'vitest';
import { checkNothingAllocated, checkNumberedLines, checkTimeline, collectLog } from './checks.ts';
import { IMAGE, SUSPECT_MS } from './cluster.ts';
import { canMakeNetworks, TestNetwork } from './network.ts';
import { useCluster } from './use-cluster.ts';
import { until } from './wait.ts';

describe.skipIf(!canMakeNetworks())('a cable is pulled', () => {
  const network = new TestNetwork(2);
  // Hooks run in reverse order: the network goes last.
  afterAll(() => network.close());
  const [east, west] = network.hosts as [(typeof network.hosts)[0], (typeof network.hosts)[0]];
  const cluster = useCluster({
    workerAddress: network.gateway,
    // Silence counts from the first moment.
    config: { liveness: { suspect: '2s', lost: '5s', startGrace: '0s' } },
    workers: [
      { id: 'east', host: east },
      { id: 'west', host: west },
    ],
  });
  const small = { cpu: 0.5, memory: '32Mi', storage: '64Mi' };

  async function startOnEast(command: string): Promise<string> {
    await cluster.client.drainWorker('west');
    const { id } = await cluster.client.submitTask({ image: IMAGE, command, resources: small });
    await until(async () => (await cluster.client.getTask(id)).task.state === 'running', { what: 'the task to run' });
    await cluster.client.drainWorker('west', { off: true });
    return id;
  }

  const attemptState = async (id: string) => (await cluster.client.getTask(id)).attempts[0]!.state;

  test('and put back in time: the attempt is unknown for a while and goes on', async () => {
    const id = await startOnEast('i=0; while [ $i -lt 120 ]; do i=$((i+1)); echo $i; sleep 0.05; done');
    network.plug(east, false);
    await until(async () => (await attemptState(id)) === 'unknown', { what: 'the attempt to be unknown' });
    network.plug(east, true);
    const { task, attempts } = await cluster.client.waitForTask(id);
    expect(task).toMatchObject({ state: 'completed', attempt: 1, worker: 'east' });
    expect(attempts).toHaveLength(1);
    checkNumberedLines((await collectLog(cluster.client, id)).stdout, 120);
    await checkTimeline(cluster.client, [id]);
  });

  test('and put back too late: the task has run elsewhere, and the first container is stopped', async () => {
    const id = await startOnEast('echo $CLOUDAI_ATTEMPT; [ $CLOUDAI_ATTEMPT -ge 2 ] || sleep 300');
    network.plug(east, false);
    const { task, attempts } = await cluster.client.waitForTask(id);
    expect(task).toMatchObject({ state: 'completed', attempt: 2, worker: 'west' });
    expect(attempts[0]).toMatchObject({ worker: 'east', state: 'lost' });
    network.plug(east, true);
    await until(async () => (await cluster.containersOf(id)).length === 0, {
      what: 'the first container to be removed',
    });
    expect((await cluster.client.getTask(id)).task).toEqual(task);
    await until(async () => (await cluster.client.getWorker('east')).state === 'active', { what: 'east to be back' });
    await checkTimeline(cluster.client, [id]);
    await checkNothingAllocated(cluster.client);
  });

  test('nothing is placed on a worker that has been silent', async () => {
    network.plug(east, false);
    await until(async () => (await cluster.client.getWorker('east')).state === 'suspect', {
      what: 'east to be suspected',
      withinMs: SUSPECT_MS * 5,
    });
    const { taskIds } = await cluster.client.submitJob({
      tasks: Array.from({ length: 4 }, () => ({ image: IMAGE, command: 'exit 0', resources: small })),
    });
    for (const id of taskIds)
      expect((await cluster.client.waitForTask(id)).task).toMatchObject({ worker: 'west', attempt: 1 });
    network.plug(east, true);
    await until(async () => (await cluster.client.getWorker('east')).state === 'active', { what: 'east to be back' });
  });

  test('a master can be stopped while a worker is cut off', async () => {
    network.plug(east, false);
    await cluster.master.stop(5_000);
    await cluster.startMaster();
    network.plug(east, true);
    await until(
      async () => (await cluster.workers()).values().every(({ state, connected }) => state === 'active' && connected),
      { what: 'both workers to be back' },
    );
  });
});
