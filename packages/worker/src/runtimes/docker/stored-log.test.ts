import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeEngine } from '../../testing/fake-engine.ts';
import { storedFrame } from '../../testing/log-frames.ts';
import { DockerClient } from './client.ts';
import { StoredLog } from './stored-log.ts';

let engine: FakeEngine;
let client: DockerClient;

beforeEach(async () => {
  engine = await FakeEngine.start();
  client = new DockerClient(engine.socketPath);
});
afterEach(async () => {
  client.close();
  await engine.stop();
});

test('a log that Docker can not read any more ends with a word on the loss', { timeout: 20_000 }, async () => {
  engine.on('GET', /\/logs$/, (_request, response) => {
    response.writeHead(200).write(storedFrame('stdout', 'first\n'));
    response.end(storedFrame('error', 'Error grabbing logs: log message is too large'));
  });
  const log = new StoredLog(client, 'id1', { isOver: () => true, warn: () => {}, stampFile: '/nonexistent/stamp' });
  const pieces: string[] = [];
  for await (const { data } of log.read({ stdout: 0, stderr: 0 }, () => false, new AbortController().signal)) {
    pieces.push(Buffer.from(data).toString());
  }
  expect(pieces).toEqual(['first\n']);
  expect(log.loss).toMatch(/^the rest of the log is lost: Docker can not read it/);
});
