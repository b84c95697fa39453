// What reaches a watch and is none of its frames, or none that asks for something: the connection ends in order or says
// what is wrong, and the server lives.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WATCH_PATH } from '@cloudai/api/watch';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { randomFrom, SEED } from '../testing/random.ts';
import { WatchCase } from '../testing/watch-case.ts';

// On a machine that is busy with other tests everything takes its time.
vi.setConfig({ testTimeout: 30_000 });

let at: WatchCase;
const sockets: Socket[] = [];

beforeAll(async () => {
  at = await WatchCase.open({ watch: { maxPerToken: 20 } });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  at.closeWatchers();
  // Whatever happened, the next client is served.
  const watcher = await at.watch();
  await watcher.subscribe('events');
  at.closeWatchers();
});
afterAll(() => at.close());

/** A frame of a client; `mask: false` is what only a server may send. */
function frame(
  opcode: number,
  payload: Buffer | string,
  { fin = true, mask = true, rsv = 0, length }: { fin?: boolean; mask?: boolean; rsv?: number; length?: bigint } = {},
): Buffer {
  const data = Buffer.from(payload as string);
  const size = length ?? BigInt(data.length);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const bit = mask ? 0x80 : 0;
  const head =
    size < 126n
      ? Buffer.from([first, bit | Number(size)])
      : size < 65_536n
        ? Buffer.from([first, bit | 126, Number(size) >> 8, Number(size) & 255])
        : Buffer.concat([Buffer.from([first, bit | 127]), bigEndian(size)]);
  if (!mask) return Buffer.concat([head, data]);
  const key = randomBytes(4);
  return Buffer.concat([head, key, data.map((byte, index) => byte ^ key[index % 4]!)]);
}

function bigEndian(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

const text = (payload: string) => frame(1, payload);

/** A socket that has been upgraded, and what has come over it since. */
async function upgraded(): Promise<{ socket: Socket; received: () => Buffer; ended: Promise<unknown> }> {
  const { hostname, port, host } = new URL(at.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  await once(socket, 'connect');
  socket.write(
    `GET ${WATCH_PATH} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
      `Authorization: Bearer ${at.token('admin')}\r\n\r\n`,
  );
  let received = Buffer.alloc(0);
  const ended = new Promise((resolve) => socket.on('close', resolve));
  socket.on('error', () => {});
  await new Promise<void>((resolve) => {
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      if (received.includes('"welcome"')) resolve();
    });
  });
  expect(String(received)).toMatch(/^HTTP\/1.1 101 /);
  return { socket, received: () => received, ended };
}

/** The code of the close frame among what was received last. */
function closeCode(received: Buffer): number {
  const start = received.lastIndexOf(0x88);
  return received.readUInt16BE(start + 2);
}

const LONG = 'x'.repeat(200);

describe('frames against the protocol end the connection with its code', () => {
  test.each<[string, number, Buffer]>([
    ['unmasked', 1002, frame(1, '{}', { mask: false })],
    ['a reserved opcode', 1002, frame(3, 'x')],
    ['a reserved control opcode', 1002, frame(11, 'x')],
    ['a reserved bit', 1002, frame(1, '{}', { rsv: 4 })],
    ['all reserved bits', 1002, frame(1, '{}', { rsv: 7 })],
    ['a fragmented ping', 1002, frame(9, 'x', { fin: false })],
    ['a ping beyond 125 bytes', 1002, frame(9, LONG)],
    ['a close beyond 125 bytes', 1002, frame(8, LONG)],
    ['a close with half a code', 1002, frame(8, 'x')],
    ['a close with a code that there is not', 1002, frame(8, Buffer.from([0, 1]))],
    ['a continuation of nothing', 1002, frame(0, 'x')],
    ['a text within a fragmented one', 1002, Buffer.concat([frame(1, 'a', { fin: false }), frame(1, 'b')])],
    ['a text that is no UTF-8', 1007, frame(1, Buffer.from([0xff, 0xfe]))],
    ['a length of 2^63', 1009, frame(1, 'x', { length: 2n ** 63n })],
    ['a length of 2^53 + 1', 1009, frame(1, 'x', { length: 2n ** 53n + 1n })],
    ['a length of 4 GiB', 1009, frame(1, 'x', { length: 2n ** 32n })],
    ['more than 64 KiB', 1009, frame(1, 'x'.repeat(70_000))],
    [
      'more than 64 KiB in fragments',
      1009,
      Buffer.concat([frame(1, 'x'.repeat(40_000), { fin: false }), frame(0, 'x'.repeat(40_000))]),
    ],
    [
      'many empty fragments',
      1008,
      Buffer.concat([frame(1, '', { fin: false }), ...many(1_000, frame(0, '', { fin: false }))]),
    ],
    ['binary', 1007, frame(2, '{}')],
    ['no JSON', 1007, text('{"kind":')],
    ['nothing', 1007, text('')],
    ['nesting without an end', 1007, text('['.repeat(60_000))],
    ['a flood of pings', 1008, Buffer.concat(many(2_000, frame(9, 'x')))],
    ['a flood of pongs', 1008, Buffer.concat(many(2_000, frame(10, 'x')))],
    ['a flood of texts', 1008, Buffer.concat(many(2_000, text('{"kind":"unsubscribe","id":"x"}')))],
    ['many mistakes', 1008, Buffer.concat(many(150, text('{"kind":"nonsense"}')))],
  ])('%s: %i', async (_what, code, bytes) => {
    const { socket, received, ended } = await upgraded();
    socket.write(bytes);
    await ended;
    expect(closeCode(received())).toBe(code);
  });
});

function many(count: number, bytes: Buffer): Buffer[] {
  return Array.from({ length: count }, () => bytes);
}

describe('frames that ask for nothing that there is are answered', () => {
  const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
  test.each([
    ['null', 'invalid_argument'],
    ['[]', 'invalid_argument'],
    ['5', 'invalid_argument'],
    ['"subscribe"', 'invalid_argument'],
    ['{}', 'invalid_argument'],
    ['{"kind":"subscribe"}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"secrets"}', 'invalid_argument'],
    ['{"kind":"subscribe","topic":"events"}', 'invalid_argument'],
    ['{"kind":"subscribe","id":5,"topic":"events"}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"a b","topic":"events"}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"\\u0000","topic":"events"}', 'invalid_argument'],
    [`{"kind":"subscribe","id":"${'x'.repeat(65)}","topic":"events"}`, 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"events","after":-1}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"events","after":1.5}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"events","after":1e309}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"events","after":"1"}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"events","kinds":"task_queued"}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"events","kinds":[]}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"events","colour":"red"}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"events","__proto__":{"admin":true}}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"__proto__"}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"constructor"}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"tasks","label":"novalue"}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"queue","limit":0}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"logs"}', 'invalid_argument'],
    ['{"kind":"subscribe","id":"x","topic":"logs","task":"aaaaaaaaaaaaaaaa"}', 'task_unknown'],
    ['{"kind":"subscribe","id":"x","topic":"logs","task":"a","regex":"(?=a)"}', 'task_unknown'],
    ['{"kind":"subscribe","id":"x","topic":"telemetry","worker":"none"}', 'worker_unknown'],
    [`{"kind":"subscribe","id":"x","topic":"events","task":${deep}}`, 'invalid_argument'],
  ])('%.80s', async (sent, code) => {
    const watcher = await at.watch();
    watcher.send(sent);
    const { error } = await watcher.next('error');
    expect(error.code).toBe(code);
    // The connection is as good as before.
    await watcher.subscribe('events');
  });
});

describe('limits', () => {
  test('of subscriptions on a connection', async () => {
    const watcher = await at.watch();
    for (let count = 0; count < 100; count++) await watcher.subscribe('events', {}, `s${count}`);
    watcher.send({ kind: 'subscribe', id: 'one-more', topic: 'events' });
    expect(await watcher.next('error')).toMatchObject({ id: 'one-more', error: { code: 'rate_limited' } });
    watcher.send({ kind: 'unsubscribe', id: 's0' });
    await watcher.next('unsubscribed');
    await watcher.subscribe('events', {}, 'one-more');
  });

  test('of connections of a token', async () => {
    for (let count = 0; count < 20; count++) await at.watch();
    await expect(at.watch()).rejects.toThrow('429');
  });
});

test('a client that comes a byte at a time is understood', async () => {
  const { socket, received } = await upgraded();
  for (const byte of text('{"kind":"subscribe","id":"slow","topic":"events"}')) {
    socket.write(Buffer.of(byte));
    await new Promise(setImmediate);
  }
  while (!received().includes('"subscribed","id":"slow"')) await once(socket, 'data');
});

test(`random bytes behind the upgrade break nothing (seed ${SEED})`, async () => {
  const next = randomFrom(SEED);
  for (let count = 0; count < 60; count++) {
    const { socket, ended } = await upgraded();
    socket.write(Buffer.from(Array.from({ length: 1 + Math.floor(next() * 300) }, () => Math.floor(next() * 256))));
    socket.end();
    await ended;
  }
});
