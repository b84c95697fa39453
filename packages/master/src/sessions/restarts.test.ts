/** Connections that break at random bytes, and masters that start again, while a task runs and logs. */
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { FakeWorker, splitEndpoint } from '../testing/fake-worker.ts';
import { ScriptedWorker } from '../testing/scripted-worker.ts';
import { eventually, TestMaster } from '../testing/test-master.ts';

/** Each break costs a hand-shake, each restart about a second: the deep run has the full number. */
const DEEP = process.env.CLOUDAI_TEST_DEEP === '1';
const CUTS = DEEP ? 100 : 40;
const RESTARTS = DEEP ? [20, 45, 70, 95] : [10, 30];
const SEED = Number(process.env.CLOUDAI_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Small and good enough; the seed makes a failing run repeatable as far as timing allows. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Passes bytes through until so many have gone up, then drops the connection in the middle of whatever it was. */
class CuttingProxy {
  readonly #server: Server;
  readonly #target: () => [string, number];
  readonly #limit: () => number;
  readonly #sockets = new Set<Socket>();
  cuts = 0;

  constructor(target: () => [string, number], limit: () => number) {
    this.#target = target;
    this.#limit = limit;
    this.#server = createServer((down) => this.#pipe(down));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #pipe(down: Socket): void {
    const [host, port] = this.#target();
    const up = dial({ host, port });
    for (const socket of [down, up]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#sockets.delete(socket);
        down.destroy();
        up.destroy();
      });
    }
    up.pipe(down);
    let left = this.#limit();
    down.on('data', (data: Buffer) => {
      if (data.byteLength < left) {
        left -= data.byteLength;
        if (!up.write(data)) down.pause();
        return;
      }
      this.cuts += 1;
      up.end(data.subarray(0, left));
      down.destroy();
    });
    up.on('drain', () => down.resume());
  }
}

let master: TestMaster | undefined;
afterEach(async () => {
  await master?.close();
  master = undefined;
});

function noise(bytes: number, random: () => number): Buffer {
  const data = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) data.writeUInt32LE(Math.floor(random() * 2 ** 32), at);
  return data;
}

test(`a log is whole after ${CUTS} connections that broke at random bytes and restarts of the master between (seed ${SEED})`, {
  timeout: 120_000,
}, async () => {
  const random = randomFrom(SEED);
  master = await TestMaster.start({ engine: { suspectMs: 30_000, lostMs: 60_000 } });
  const token = await master.register('w1');
  const joined = await FakeWorker.join(master.endpoint, token);
  const running = master;
  let cutting = true;
  const proxy = new CuttingProxy(
    () => splitEndpoint(running.endpoint),
    () => (cutting ? 4_000 + Math.floor(random() * 60_000) : Number.POSITIVE_INFINITY),
  );
  const worker = new FakeWorker(await proxy.listen(), joined.identity);
  const stdout = noise(6 * 2 ** 20, random);
  const stderr = noise(2 * 2 ** 20, random);
  const life = new ScriptedWorker(worker, {
    play: () => ({ runMs: 1_500, exitCode: 7, stdout, stderr }),
    reconnectMs: 5,
    chunkBytes: 16 * 1024,
  });
  life.start();
  await eventually('it is connected', () => life.isConnected, 20_000);
  const taskId = await master.submitTask();
  const restarts = [...RESTARTS];
  const until = performance.now() + 90_000;
  const scene = async (): Promise<string> =>
    JSON.stringify({
      cuts: proxy.cuts,
      connected: life.isConnected,
      sessions: life.sessions,
      plays: [...life.plays.values()].map(({ state, sent, lastSent }) => ({ state, sent, lastSent })),
      task: running.task(taskId)?.state,
      attempt: running.attempt(taskId)?.state,
      worker: running.engine.worker('w1'),
      log: await running.handle.context.logs.state(taskId, 1),
    });
  while (proxy.cuts < CUTS && life.forgotten === 0) {
    if (proxy.cuts >= (restarts[0] ?? Number.POSITIVE_INFINITY)) {
      restarts.shift();
      await master.restart();
    }
    if (performance.now() > until) throw new Error(`it does not go on: ${await scene()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  cutting = false;
  worker.disconnect();
  await eventually('the worker may forget', () => life.forgotten === 1, 20_000).catch(async (cause: unknown) => {
    throw new Error(`it does not come to its end: ${await scene()}`, { cause });
  });

  expect(master.task(taskId) ?? (await master.handle.context.store.task(taskId))).toMatchObject({
    state: 'failed',
    exitCode: 7,
    fence: 1,
  });
  for (const [stream, said] of [
    ['stdout', stdout],
    ['stderr', stderr],
  ] as const) {
    const kept = await master.logOf(taskId, 1, stream);
    expect(kept.byteLength).toBe(said.byteLength);
    expect(createHash('sha256').update(kept).digest('hex')).toBe(createHash('sha256').update(said).digest('hex'));
  }
  expect(await master.handle.context.logs.state(taskId, 1)).toMatchObject({ complete: true, droppedBytes: 0 });
  expect(proxy.cuts).toBeGreaterThanOrEqual(CUTS / 2);
  await life.stop();
  await proxy.close();
  joined.disconnect();
});

test('many tasks on many workers whose connections break all the time: each ends once, each log is whole', {
  timeout: 60_000,
}, async () => {
  const random = randomFrom(SEED + 1);
  master = await TestMaster.start({ engine: { suspectMs: 30_000, lostMs: 60_000 } });
  const running = master;
  const lives = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const worker = await running.join(`w${i}`);
      const life = new ScriptedWorker(worker, {
        play: (assign) => ({
          startMs: random() * 30,
          runMs: random() * 200,
          exitCode: 0,
          stdout: Buffer.from(`${assign.key!.taskId}\n`.repeat(500)),
        }),
      });
      life.start();
      return life;
    }),
  );
  const breaking = setInterval(() => lives[Math.floor(random() * lives.length)]!.breakConnection(), 25);
  const tasks = await Promise.all(Array.from({ length: 120 }, () => running.submitTask()));
  await eventually('all have ended', () => tasks.every((id) => running.task(id)?.state === 'completed'), 40_000);
  clearInterval(breaking);
  await eventually('all are forgotten', () => lives.every((life) => life.plays.size === 0), 20_000);
  for (const id of tasks) {
    expect(running.task(id)).toMatchObject({ fence: 1, infraFailures: 0 });
    expect((await running.logOf(id)).toString()).toBe(`${id}\n`.repeat(500));
  }
  for (const worker of running.engine.workers()) expect(running.engine.allocated(worker.id)?.cpuMillis).toBe(0);
  for (const life of lives) await life.stop();
});
