import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runSpec } from '../../testing/assignment.ts';
import { answer, FakeEngine, json } from '../../testing/fake-engine.ts';
import { DockerUnreachable } from './client.ts';
import { LABELS } from './host-config.ts';
import { type DockerRuntime, openDockerRuntime } from './runtime.ts';

const key = { taskId: 'abcdefghij234567', attempt: 2 };
const NAME = 'cai-c1-abcdefghij234567-2';
const image = { imageId: 'sha256:1', digest: null };
const STARTED_AT = '2026-01-01T00:00:00.5Z';

let engine: FakeEngine;
let runtime: DockerRuntime;
let data: string;

beforeEach(async () => {
  engine = await FakeEngine.start();
  data = await fs.mkdtemp(path.join(os.tmpdir(), 'docker-runtime-test-'));
  engine.on('GET', /^\/info$/, json({ LiveRestoreEnabled: true }));
  engine.on('GET', /^\/events$/, (_request, response, url) => {
    response.writeHead(200);
    if (url.searchParams.has('until')) response.end();
    else response.flushHeaders();
  });
  engine.on('POST', /^\/networks\/create$/, json({}, 201));
  engine.on('GET', /^\/containers\/json$/, json([]));
  engine.on('POST', /\/attach$/, (_request, response) => {
    response.writeHead(200);
    response.flushHeaders();
  });
  engine.on('DELETE', /^\/containers\//, (_request, response) => void response.writeHead(204).end());
  runtime = await openDockerRuntime({
    owner: { clusterId: 'c1', workerId: 'w1' },
    dataDirectory: data,
    socketPath: engine.socketPath,
    authFile: path.join(data, 'none'),
    gpus: [],
    warn: () => {},
  });
});

afterEach(async () => {
  await runtime.close();
  await engine.stop();
  await fs.rm(data, { recursive: true });
});

/** What the engine has under the name of the attempt. */
function container(workerId: string, status: 'created' | 'running' | 'exited'): void {
  const conflict = json({ message: `Conflict. The container name "/${NAME}" is already in use` }, 409);
  engine.on('POST', /^\/containers\/create$/, conflict);
  const inspect = {
    Id: 'id1',
    Name: `/${NAME}`,
    Image: 'sha256:1',
    Config: {
      Labels: {
        [LABELS.cluster]: 'c1',
        [LABELS.worker]: workerId,
        [LABELS.task]: key.taskId,
        [LABELS.attempt]: String(key.attempt),
        [LABELS.spec]: JSON.stringify(runSpec()),
      },
    },
    State: {
      Status: status,
      Running: status === 'running',
      Paused: false,
      OOMKilled: false,
      ExitCode: 0,
      Error: '',
      StartedAt: status === 'created' ? '0001-01-01T00:00:00Z' : STARTED_AT,
      FinishedAt: '0001-01-01T00:00:00Z',
    },
  };
  engine.on('GET', new RegExp(`^/containers/(id1|${NAME})/json$`), json(inspect));
}

const callsTo = (pattern: RegExp) => engine.calls.filter((call) => pattern.test(call));

test.each(['running', 'exited'] as const)(
  'a start whose answer is lost is no failure; asked again, a process that is %s is not started twice',
  async (status) => {
    engine.on('POST', /^\/containers\/create$/, json({ Id: 'id1' }, 201));
    engine.on('POST', /^\/containers\/id1\/start$/, (request) => void request.socket.destroy());
    await expect(runtime.start(key, runSpec(), image)).rejects.toThrow(DockerUnreachable);
    container('w1', status);
    expect(await runtime.start(key, runSpec(), image)).toEqual({
      containerId: 'id1',
      startedAt: Date.parse(STARTED_AT),
    });
    expect(callsTo(/\/start$/)).toHaveLength(1);
  },
);

test('a create whose answer is lost is no failure; asked again, the process is started', async () => {
  engine.on('POST', /^\/containers\/create$/, (request) => void request.socket.destroy());
  await expect(runtime.start(key, runSpec(), image)).rejects.toThrow(DockerUnreachable);
  container('w1', 'created');
  engine.on('POST', /^\/containers\/id1\/start$/, (_request, response) => void response.writeHead(204).end());
  expect((await runtime.start(key, runSpec(), image)).containerId).toBe('id1');
  expect(callsTo(/\/start$/)).toHaveLength(1);
});

test('an answer that is an error is a failed start', async () => {
  engine.on('POST', /^\/containers\/create$/, json({ Id: 'id1' }, 201));
  engine.on('POST', /^\/containers\/id1\/start$/, (_request, response) => answer(response, 500, { message: 'no' }));
  await expect(runtime.start(key, runSpec(), image)).rejects.toMatchObject({ reason: 'start_error' });
});

test('a container of somebody else under the same name is neither used nor removed', async () => {
  container('w2', 'running');
  await expect(runtime.start(key, runSpec(), image)).rejects.toMatchObject({ reason: 'start_error' });
  await runtime.remove(key);
  expect(callsTo(/^DELETE/)).toEqual([]);
});

test('its own container is removed, also when the answer that named it was lost', async () => {
  container('w1', 'created');
  await runtime.remove(key);
  expect(callsTo(/^DELETE/)).toEqual(['DELETE /containers/id1']);
});
