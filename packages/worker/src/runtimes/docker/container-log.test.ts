import type http from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogLedger } from '../../core/log-ledger.ts';
import { FakeEngine } from '../../testing/fake-engine.ts';
import { storedFrame } from '../../testing/log-frames.ts';
import { AttachedLog } from './attached-log.ts';
import { DockerClient } from './client.ts';
import { ContainerLog } from './container-log.ts';
import { StoredLog } from './stored-log.ts';

const LIMIT = 10;
const WROTE = 1_000;

let engine: FakeEngine;
let client: DockerClient;
let isOver: boolean;
let instance: number;

beforeEach(async () => {
  engine = await FakeEngine.start();
  client = new DockerClient(engine.socketPath);
  isOver = false;
  instance = 1;
  engine.on('GET', /\/logs$/, (_request, response) => {
    response.writeHead(200).end(storedFrame('stdout', 'x'.repeat(WROTE)));
  });
});
afterEach(async () => {
  client.close();
  await engine.stop();
});

/** The first tenth was attached to; `leave` says what becomes of that. */
async function totalsAfter(leave: (attached: PassThrough) => void): Promise<ReturnType<LogLedger['totals']>> {
  const stream = new PassThrough();
  const attached = new AttachedLog(stream as unknown as http.IncomingMessage); // All that is used of it is a stream.
  const frame = Buffer.alloc(8 + WROTE / 10, 'x');
  frame.fill(0, 0, 8)[0] = 1;
  frame.writeUInt32BE(WROTE / 10, 4);
  stream.write(frame);
  const ledger = new LogLedger(LIMIT);
  const stored = new StoredLog(client, 'id1', { isOver: () => isOver, warn: () => {}, stampFile: '/nonexistent/s' });
  const log = new ContainerLog({
    attached,
    stored,
    isOver: () => isOver,
    isEnough: () => ledger.isCut,
    instance: () => instance,
    warn: () => {},
  });
  setTimeout(() => leave(stream), 50);
  setTimeout(() => {
    isOver = true;
  }, 150);
  for await (const piece of log.read(new AbortController().signal)) {
    if ('missing' in piece) ledger.skip(piece.stream, piece.missing);
    else ledger.push(piece.stream, piece.data, 0, 0);
  }
  ledger.complete();
  return ledger.totals();
}

const exact = { stdout: LIMIT, stderr: 0, dropped: WROTE - LIMIT };

test('beyond the limit the dropped bytes are exact when the attached side breaks', async () => {
  expect(await totalsAfter((stream) => stream.destroy())).toMatchObject(exact);
});

test('beyond the limit the dropped bytes are exact when the engine is restarted in good order', async () => {
  const leave = (stream: PassThrough) => {
    instance = 2;
    stream.end();
  };
  expect(await totalsAfter(leave)).toMatchObject(exact);
});
