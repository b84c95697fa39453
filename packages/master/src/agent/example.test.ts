// The agent of examples/external-scheduler, as a process of its own, against a whole master.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { tokenFor } from '../testing/grpc-client.ts';
import { ScriptedWorker } from '../testing/scripted-worker.ts';
import { eventually, TestMaster } from '../testing/test-master.ts';

const AGENT = path.resolve(import.meta.dirname, '../../../../examples/external-scheduler/agent.py');
const GIB = 2n ** 30n;
const WAIT_MS = 20_000;
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Nothing else of the project needs it. */
const HAS_PYTHON = spawnSync('python3', ['--version']).status === 0;
if (!HAS_PYTHON) console.warn('python3 is not here: the external scheduler of the examples is NOT tested');

let master: TestMaster;
let token: string;
const workers: ScriptedWorker[] = [];
let agent: ChildProcess | null = null;

async function open(externalBudgetMs: number): Promise<void> {
  master = await TestMaster.start({ grpc: { port: 0 }, engine: { externalBudgetMs } });
  ({ token } = await tokenFor(master, 'admin', 'admin'));
  for (const [id, cpu] of Object.entries({ large: 16_000n, small: 4_000n })) {
    const capacity = { cpuMillis: cpu, memoryBytes: 16n * GIB, storageBytes: 100n * GIB, gpuMillis: 0n };
    const worker = new ScriptedWorker(await master.join(id), { capacity, play: () => ({ runMs: 50 }) });
    worker.start();
    workers.push(worker);
  }
  await eventually('the workers are there', () => workers.every((worker) => worker.isConnected), WAIT_MS);
  const reply = await master.submit({ kind: 'useScheduler', placement: 'external', by: 'admin' });
  expect(reply.ok).toBe(true);
}

async function close(): Promise<void> {
  for (const worker of workers.splice(0)) await worker.stop();
  await master?.close();
}

afterEach(() => stop('SIGTERM'));

function start(...options: string[]): void {
  const env = { PATH: process.env.PATH ?? '', CLOUDAI_TOKEN: token };
  agent = spawn('python3', [AGENT, '--url', master.handle.grpcUrl!, '--every', '0.05', ...options], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

async function stop(signal: NodeJS.Signals): Promise<void> {
  const running = agent;
  agent = null;
  if (running === null || running.exitCode !== null || running.signalCode !== null) return;
  running.kill(signal);
  await once(running, 'exit');
}

async function leased(): Promise<void> {
  await eventually(
    'the agent has the lease',
    () => (master.engine.lease()?.until ?? 0) > master.handle.context.now(),
    WAIT_MS,
  );
}

async function placed(id: string) {
  await eventually('the task is placed', () => master.attempt(id) !== null, WAIT_MS);
  const { placedBy, workerId } = master.attempt(id)!;
  return { placedBy, workerId };
}

describe.skipIf(!HAS_PYTHON)('the example', () => {
  describe('with all the time it wants', () => {
    beforeAll(() => open(60_000));
    afterAll(close);

    test('places where the least is left over, and the record names it', async () => {
      start();
      await leased();
      const ids = [await master.submitTask({ cpu: 1 }), await master.submitTask({ cpu: 8 })];
      expect(await placed(ids[0]!)).toEqual({ placedBy: 'external:best-fit', workerId: 'small' });
      expect(await placed(ids[1]!)).toEqual({ placedBy: 'external:best-fit', workerId: 'large' });
      await eventually('they complete', () => ids.every((id) => master.task(id)?.state === 'completed'), WAIT_MS);
    });

    test('places what can run only in one place, and leaves what fits nowhere', async () => {
      start();
      const nowhere = await master.submitTask({ cpu: 100 });
      const there = await master.submitTask({ cpu: 1, targetWorker: 'large' });
      expect(await placed(there)).toEqual({ placedBy: 'external:best-fit', workerId: 'large' });
      expect(master.task(nowhere)?.state).toBe('queued');
    });
  });

  describe('with a budget of 300 ms', () => {
    beforeAll(() => open(300));
    afterAll(close);

    test('is passed over when it is late', async () => {
      start('--think', '3600');
      await leased();
      const { placedBy } = await placed(await master.submitTask({ cpu: 1 }));
      expect(placedBy).toMatch(/^balanced.*; external:best-fit (was not heard of|did not answer) within 300 ms$/);
    });

    test('is passed over when it dies', async () => {
      start();
      await leased();
      await stop('SIGKILL');
      const { placedBy } = await placed(await master.submitTask({ cpu: 1 }));
      expect(placedBy).toMatch(/^balanced.*; external:best-fit (was not heard of|did not answer) within 300 ms$/);
    });
  });
});
