// Log bytes a second from workers through the master onto its disk, synced, over real gRPC and TLS; and back out to a
// reader. Beside it the same bytes over one bare TLS connection into a file that is synced at the end.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { Authority } from '../packages/master/src/identity/authority.ts';
import { Cluster } from '../tests/e2e/cluster.ts';
import { median, printReport, type Row, usageOf } from './report.ts';
import { startScriptedWorkers, stopScriptedWorkers } from './scripted-workers.ts';

const ATTEMPTS = [1, 4, 16];
const ROUNDS = 3;
const MB_A_ROUND = 96;
const LINE_BYTES = 1024;
const MB = 1e6;

interface Receiver {
  readonly file: string;
  readonly cert: string;
  readonly key: string;
}

if (process.send !== undefined) await receive();
else await measure();

async function measure(): Promise<void> {
  const cluster = new Cluster({
    workers: [],
    config: { workers: { heartbeat: '5s' }, liveness: { suspect: '12s', lost: '30s' } },
  });
  try {
    await cluster.start();
    const workers = await startScriptedWorkers(cluster, 4, 16);
    const rows: Row[] = [];
    for (const attempts of ATTEMPTS) rows.push(await through(cluster, attempts));
    printReport('Logs through the master', rows, [
      `Medians of ${ROUNDS} rounds of ${MB_A_ROUND} MB in lines of ${LINE_BYTES} bytes, from four workers in one process. The bare`,
      'connection carries the same bytes between two processes, without messages, offsets, checksums or acknowledgements.',
    ]);
    await stopScriptedWorkers(workers);
  } finally {
    await cluster.close();
  }
}

async function through(cluster: Cluster, attempts: number): Promise<Row> {
  const inbound: number[] = [];
  const outbound: number[] = [];
  const bare: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(await bareConnection(cluster));
    const cpuBefore = usageOf(cluster.master.pid).cpuMs;
    const { rate, taskIds } = await write(cluster, attempts);
    inbound.push(rate);
    cpu.push((usageOf(cluster.master.pid).cpuMs - cpuBefore) / (MB_A_ROUND / 1000));
    outbound.push(await read(cluster, taskIds));
  }
  return {
    attempts,
    'in MB/s': median(inbound),
    'bare TLS to file MB/s': median(bare),
    'out MB/s': median(outbound),
    'master CPU s/GB in': median(cpu) / 1000,
  };
}

async function write(cluster: Cluster, attempts: number): Promise<{ rate: number; taskIds: readonly string[] }> {
  const lines = Math.floor((MB_A_ROUND * MB) / attempts / LINE_BYTES);
  const task = {
    image: 'scripted',
    env: { CLOUDAI_SCRIPT: `lines=${lines},line=${LINE_BYTES}` },
    logLimit: '1Gi',
    resources: { cpu: 1, memory: '64Mi', storage: '16Mi' },
  };
  const begun = performance.now();
  const { taskIds } = await cluster.client.submitJob({ tasks: Array.from({ length: attempts }, () => task) });
  // A task has ended for the master once its log is complete and on disk.
  for (const id of taskIds) await cluster.client.waitForTask(id, { pollMs: 50 });
  const seconds = (performance.now() - begun) / 1000;
  return { rate: (lines * LINE_BYTES * attempts) / MB / seconds, taskIds };
}

/** All of them at once, as text. */
async function read(cluster: Cluster, taskIds: readonly string[]): Promise<number> {
  const begun = performance.now();
  const sizes = await Promise.all(
    taskIds.map(async (id) => {
      const response = await fetch(`${cluster.url}/api/v1/tasks/${id}/logs?format=text`, {
        headers: { authorization: `Bearer ${cluster.token}` },
      });
      let bytes = 0;
      for await (const chunk of response.body!) bytes += chunk.length;
      return bytes;
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  return sizes.reduce((sum, bytes) => sum + bytes, 0) / MB / seconds;
}

async function bareConnection(cluster: Cluster): Promise<number> {
  const authority = await Authority.load(cluster.masterFolder, cluster.clusterId);
  const { cert, key, ca } = await authority.issueServer([], Date.now());
  const file = path.join(cluster.folder, 'bare.log');
  const receiver = fork(import.meta.filename, { stdio: 'inherit' });
  receiver.send({ file, cert, key } satisfies Receiver);
  const [port] = (await once(receiver, 'message')) as [number];
  const socket = tls.connect({ port, host: '127.0.0.1', ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  const piece = Buffer.alloc(64 * 1024, 'x');
  const begun = performance.now();
  for (let sent = 0; sent < MB_A_ROUND * MB; sent += piece.length) {
    if (!socket.write(piece)) await once(socket, 'drain');
  }
  socket.end();
  await once(receiver, 'message');
  const seconds = (performance.now() - begun) / 1000;
  await once(receiver, 'exit');
  fs.rmSync(file);
  return MB_A_ROUND / seconds;
}

async function receive(): Promise<void> {
  const [{ file, cert, key }] = (await once(process, 'message')) as [Receiver];
  const server = tls.createServer({ cert, key, minVersion: 'TLSv1.3' }, (socket) => {
    const out = fs.openSync(file, 'w');
    socket.on('data', (piece) => fs.writeSync(out, piece));
    socket.on('end', () => {
      fs.fsyncSync(out);
      process.send?.('done', () => process.exit(0));
    });
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
}
