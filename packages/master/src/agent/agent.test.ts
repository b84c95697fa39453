import { agentWire, userWire } from '@cloudai/api';
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FakeWorker } from '../testing/fake-worker.ts';
import { tokenFor, transportTo } from '../testing/grpc-client.ts';
import { eventually, TestMaster } from '../testing/test-master.ts';

// A whole master starts here, and the machine may be busy with other things.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let master: TestMaster;
let worker: FakeWorker;
let agent: Client<typeof agentWire.MasterAgent>;

beforeAll(async () => {
  // Nobody is late in these cases, however loaded the machine is.
  master = await TestMaster.start({
    grpc: { port: 0 },
    engine: { externalBudgetMs: 60_000, suspectMs: 60_000, lostMs: 90_000 },
  });
  agent = createClient(agentWire.MasterAgent, transportTo(master, (await tokenFor(master, 'admin', 'admin')).token));
  await master.register('absent');
  worker = await master.join('w1');
  await worker.connect();
  await eventually('the worker is there', () => master.engine.worker('w1')?.connected === true);
  await use('external');
});
afterAll(async () => {
  worker?.disconnect();
  await master?.close();
});

async function use(placement: string): Promise<void> {
  await master.submit({ kind: 'useScheduler', placement, by: 'admin' });
}

async function failure(call: Promise<unknown>) {
  const error = await call.then(
    () => new Error('the call did not fail'),
    (reason: unknown) => ConnectError.from(reason),
  );
  if (!(error instanceof ConnectError)) throw error;
  return { code: error.code, info: error.findDetails(userWire.ErrorInfoSchema)[0] };
}

describe('an agent', () => {
  beforeEach(async () => {
    for (const task of master.engine.queued())
      await master.submit({ kind: 'cancelTask', taskId: task.id, by: 'admin', message: null });
  });

  test('is shown workers and waiting tasks with what they have and want', async () => {
    await agent.fetchClusterState({ agent: 'a' });
    const id = await master.submitTask({
      cpu: 2,
      memory: 1,
      labels: { type: 'training' },
      selector: { zone: 'x' },
      priority: 70,
    });
    const state = await agent.fetchClusterState({ agent: 'a' });
    expect(state.lease).toMatchObject({ granted: true, holder: 'a', placement: 'external' });
    expect(state.lease!.remainingMs).toBeGreaterThan(0);
    expect(state.sequence).toBe(BigInt(master.engine.cluster().eventSequence));
    expect(state.workers).toMatchObject([
      { id: 'absent', status: 'inactive', message: 'is registered' },
      { id: 'w1', status: 'active', total: { cpuMillis: 8_000n }, available: { cpuMillis: 8_000n }, runningTasks: 0 },
    ]);
    expect(state.tasks).toMatchObject([
      { id, taskType: 'training', priority: 70, selector: { zone: 'x' }, requirements: { cpuMillis: 2_000n } },
    ]);
    expect(state.tasksTotal).toBe(1);
  });

  test('gets an outcome for each assignment', async () => {
    await agent.fetchClusterState({ agent: 'a' });
    const [small, large] = [await master.submitTask({ cpu: 1 }), await master.submitTask({ cpu: 100 })];
    const { sequence } = await agent.fetchClusterState({ agent: 'a' });
    const assignments = [small, large, 'ghost'].map((taskId) => ({ taskId, workerId: 'w1' }));
    const { outcomes, committed } = await agent.submitAssignments({ agent: 'a', sequence, assignments });
    expect(outcomes).toMatchObject([
      { taskId: small, accepted: true, code: '' },
      { taskId: large, accepted: false, code: 'insufficient_resources' },
      { taskId: 'ghost', accepted: false, code: 'task_unknown' },
    ]);
    expect(committed).toBe(1);
    expect(master.attempt(small)).toMatchObject({ placedBy: 'external:a', workerId: 'w1' });
  });

  test('decides alone: another one, an old state and another policy are fenced', async () => {
    const { sequence: old } = await agent.fetchClusterState({ agent: 'a' });
    const other = await agent.fetchClusterState({ agent: 'b' });
    expect(other.lease).toMatchObject({ granted: false, holder: 'a' });
    const taskId = await master.submitTask();
    const assignments = [{ taskId, workerId: 'w1' }];
    const outcomeOf = async (name: string, sequence: bigint) =>
      (await agent.submitAssignments({ agent: name, sequence, assignments })).outcomes;
    expect(await outcomeOf('b', other.sequence)).toMatchObject([{ accepted: false, code: 'fenced' }]);
    expect(await outcomeOf('a', 1n)).toMatchObject([{ accepted: false, code: 'fenced' }]);
    await use('greedy');
    await eventually('greedy places it', () => master.attempt(taskId) !== null);
    expect((await agent.fetchClusterState({ agent: 'a' })).lease).toMatchObject({
      granted: false,
      placement: 'greedy',
    });
    expect(await outcomeOf('a', old)).toMatchObject([{ accepted: false, code: 'fenced' }]);
    await use('external');
  });

  test('has the rights of an admin, a name, and bounds', async () => {
    const { token } = await tokenFor(master, 'ann', 'user', ['red']);
    const ann = createClient(agentWire.MasterAgent, transportTo(master, token));
    expect(await failure(ann.fetchClusterState({ agent: 'a' }))).toMatchObject({ code: Code.PermissionDenied });
    expect(await failure(ann.submitAssignments({ agent: 'a' }))).toMatchObject({ info: { code: 'forbidden' } });
    for (const name of ['', 'a b', 'x'.repeat(65)])
      expect(await failure(agent.fetchClusterState({ agent: name }))).toMatchObject({ code: Code.InvalidArgument });
    expect(await failure(agent.fetchClusterState({ agent: 'a', maxTasks: 10_001 }))).toMatchObject({
      code: Code.InvalidArgument,
    });
    const twice = ['w1', 'w2'].map((workerId) => ({ taskId: 't', workerId }));
    expect(await failure(agent.submitAssignments({ agent: 'a', assignments: twice }))).toMatchObject({
      info: { code: 'invalid_argument' },
    });
  });

  test('may be a line of curl', async () => {
    const { token } = await tokenFor(master, 'admin', 'admin');
    const response = await fetch(`${master.handle.grpcUrl}/cloudai.agent.v1.MasterAgent/FetchClusterState`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ agent: 'a', maxTasks: 1 }),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ lease: { granted: true }, sequence: expect.stringMatching(/^\d+$/) });
  });
});
