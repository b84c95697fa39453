// Many workers in one process that play programs instead of running containers; everything else about them is real: keys,
// certificates, sessions over TLS, heartbeats, reports, logs. `farm` and `logs` start it as a process of its own.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { runWorker, type WorkerHandle } from '@cloudai/worker';
import { pino } from 'pino';
import { systemClock } from '../packages/worker/src/clock.ts';
import { ScriptedMachine, ScriptedRuntime } from '../packages/worker/src/runtimes/scripted/index.ts';
import type { Cluster } from '../tests/e2e/cluster.ts';

/** Joins at the same time; the master lets so many strangers of one address in. */
const JOINS_AT_ONCE = 32;
const GIB = 2 ** 30;

export interface WorkerToken {
  readonly id: string;
  readonly joinToken: string;
}

interface Order {
  readonly master: string;
  readonly folder: string;
  readonly cpu: number;
  readonly tokens: readonly WorkerToken[];
}

/** Registers so many workers and starts them in a process of their own. Resolves when all of them have joined. */
export async function startScriptedWorkers(
  cluster: Pick<Cluster, 'client' | 'workerEndpoint' | 'folder'>,
  count: number,
  cpu: number,
): Promise<ChildProcess> {
  const tokens: WorkerToken[] = [];
  for (let index = 1; index <= count; index++) {
    const id = `farm-${String(index).padStart(4, '0')}`;
    const { joinToken } = await cluster.client.registerWorker({ id, tokenTtl: '1h' });
    tokens.push({ id, joinToken });
  }
  const child = fork(import.meta.filename, { stdio: 'inherit' });
  process.on('exit', () => child.kill('SIGKILL'));
  child.send({ master: cluster.workerEndpoint, folder: cluster.folder, cpu, tokens } satisfies Order);
  const [answer] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
  if (answer !== 'joined') throw new Error(`the workers did not start: ${String(answer)}`);
  return child;
}

export async function stopScriptedWorkers(child: ChildProcess): Promise<void> {
  child.send('stop');
  await once(child, 'exit');
}

if (process.send !== undefined && import.meta.main) {
  const [order] = (await once(process, 'message')) as [Order];
  const workers = await startAll(order);
  process.send('joined');
  await once(process, 'message');
  await Promise.all(workers.map((worker) => worker.stop()));
  process.exit(0);
}

async function startAll({ master, folder, cpu, tokens }: Order): Promise<WorkerHandle[]> {
  const waiting = [...tokens];
  const workers: WorkerHandle[] = [];
  await Promise.all(
    Array.from({ length: JOINS_AT_ONCE }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        workers.push(
          await runWorker({
            master,
            join: next.joinToken,
            dataDirectory: path.join(folder, next.id),
            capacity: { cpuMillis: cpu * 1000, memoryBytes: 64 * GIB, storageBytes: 1024 * GIB, gpus: 0 },
            log: pino({ level: 'silent' }),
            openRuntime: async () => new ScriptedRuntime(new ScriptedMachine(systemClock)),
            sampleMachine: async () => ({
              cpu: 0.5,
              memoryBytes: GIB,
              storageBytes: GIB,
              storageFreeBytes: 1024 * GIB,
              gpu: 0,
              networkRxBytes: 0,
              networkTxBytes: 0,
            }),
          }),
        );
      }
    }),
  );
  return workers;
}
