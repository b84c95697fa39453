// Readers that are slow, that never read, or that are gone: they cost a bounded amount of memory, and harm nobody.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import v8 from 'node:v8';
import vm from 'node:vm';
import { WATCH_PATH } from '@cloudai/api/watch';
import { spec } from '@cloudai/engine/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { newId } from '../ids.ts';
import { WatchCase } from '../testing/watch-case.ts';

// On a machine that is busy with other tests everything takes its time.
vi.setConfig({ testTimeout: 30_000 });

let at: WatchCase;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await at.close();
});

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc') as () => void;

/** What is in use, in any form, once the garbage is gone. */
function memoryBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function frame(text: string): Buffer {
  const data = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | data.length, 0, 0, 0, 0]), data]);
}

/** Asks for everything and then does not read. */
async function deaf(topic: string, after: number): Promise<Socket> {
  const { hostname, port, host } = new URL(at.url);
  // A small window, as a slow link has one.
  const socket = connect({ port: Number(port), host: hostname, highWaterMark: 1024 } as never);
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(
    `GET ${WATCH_PATH} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n` +
      `Authorization: Bearer ${at.token('admin')}\r\n\r\n`,
  );
  await once(socket, 'data');
  socket.pause();
  socket.write(frame(`{"kind":"subscribe","id":"x","topic":"${topic}","after":${after}}`));
  return socket;
}

async function submit(count: number, paddingBytes = 1_000): Promise<void> {
  const labels = { padding: 'x'.repeat(paddingBytes) };
  const tasks = Array.from({ length: count }, () => ({
    id: newId(),
    name: null,
    spec: spec({ labels }),
    retryOf: null,
  }));
  await at.bench.apply({
    ...{ kind: 'submitTasks', namespace: 'default', owner: 'admin', tasks },
    ...{ job: null, idempotency: null, knownOutcomes: {} },
  });
}

const READERS = 40;
const TASKS = 20_000;
const MIB = 2 ** 20;

test('readers that never read, or a byte at a time, cost bounded memory and delay nobody', {
  timeout: 60_000,
}, async () => {
  at = await WatchCase.open({ watch: { feed: { events: 2_000, changes: 30_000 } } });
  const first = at.bench.engine.cluster().eventSequence;
  for (let count = 0; count < TASKS; count += 10_000) await submit(10_000);
  const quick = await at.watch();
  await quick.subscribe('events', { after: first });
  for (let count = 0; count < TASKS; count++) await quick.next('event');
  const before = memoryBytes();

  // Each of them has megabytes to come: events from the store, tasks from memory.
  const readers: Socket[] = [];
  for (let count = 0; count < READERS; count++) readers.push(await deaf(count % 2 === 0 ? 'events' : 'tasks', first));
  let read = 0;
  const sip = setInterval(() => {
    for (const reader of readers.slice(0, 10)) read += (reader.read(1) as Buffer | null)?.length ?? 0;
  }, 1);

  // Meanwhile the others get all that happens.
  for (let round = 0; round < 10; round++) {
    await submit(500);
    for (let count = 0; count < 500; count++) await quick.next('event');
  }
  clearInterval(sip);
  expect(read).toBeGreaterThan(10);
  const grown = memoryBytes() - before;
  // What all of them have to come is more than half a GiB. 64 KiB for each, one batch from the store for half of them,
  // and what the submits themselves leave behind.
  expect(grown / MIB).toBeLessThan(60);
});

test('a reader that falls out of what is kept is told so once it reads', { timeout: 30_000 }, async () => {
  at = await WatchCase.open({ watch: { feed: { changes: 100 } } });
  const slow = await at.watch();
  await slow.subscribe('tasks');
  await slow.next('synced');
  slow.socket.pause();
  // More than the buffers between here and there can take.
  for (let round = 0; round < 20; round++) await submit(30, 40_000);
  slow.socket.resume();
  const gap = await slow.next('gap');
  expect(gap.message).toContain('too far behind');
  const id = await at.submit();
  expect((await slow.next('task', ({ task }) => task.id === id)).task.id).toBe(id);
});

test('a peer that shows no life is given up, one that does is not', { timeout: 30_000 }, async () => {
  at = await WatchCase.open({ watch: { pingMs: 300 } });
  const living = await at.watch();
  let pings = 0;
  living.socket.on('ping', () => {
    pings += 1;
  });
  const gone = await deaf('events', 0);
  const ended = new Promise((resolve) => gone.on('close', resolve));
  // A pause keeps the end from being seen; what matters is that the server's side is over.
  gone.resume();
  gone.removeAllListeners('data');
  await ended;
  while (pings < 4) await once(living.socket, 'ping');
  await living.subscribe('events');
});

test('something is said even when nothing happens', async () => {
  at = await WatchCase.open({ watch: { aliveMs: 100 } });
  const watcher = await at.watch();
  expect((await watcher.next('alive')).sequence).toBe(at.bench.engine.cluster().eventSequence);
});

test('a master that stops says so, to those who do not read as well', async () => {
  at = await WatchCase.open();
  const watcher = await at.watch();
  await deaf('events', 0);
  const closing = at.rest.server.close();
  expect(await watcher.closed).toMatchObject({ code: 1012, reason: expect.stringContaining('connect again') });
  await closing;
});
