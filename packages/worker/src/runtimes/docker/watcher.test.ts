import type http from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answer, FakeEngine, json } from '../../testing/fake-engine.ts';
import { DockerClient } from './client.ts';
import { Watcher } from './watcher.ts';

const owner = { clusterId: 'c1', workerId: 'w1' };
const NAME = 'cai-c1-task-1';
const running = {
  Status: 'running',
  Running: true,
  Paused: false,
  OOMKilled: false,
  ExitCode: 0,
  Error: '',
  StartedAt: '2026-01-01T00:00:00.5Z',
  FinishedAt: '0001-01-01T00:00:00Z',
};

let engine: FakeEngine;
let client: DockerClient;
let watcher: Watcher;
let streams: http.ServerResponse[];
/** What the engine says of the container now; null: it is gone. */
let state: typeof running | null;

beforeEach(async () => {
  engine = await FakeEngine.start();
  streams = [];
  state = running;
  engine.on('GET', /^\/info$/, json({ LiveRestoreEnabled: true, DockerRootDir: '/var/lib/docker' }));
  engine.on('GET', /^\/events$/, (_request, response, url) => {
    response.writeHead(200);
    // The look at what the engine remembers ends; the watch does not.
    if (url.searchParams.has('until')) response.end();
    else streams.push(response);
    response.flushHeaders();
  });
  engine.on('GET', /^\/containers\/json$/, (_request, response) =>
    answer(response, 200, state === null ? [] : [{ Id: 'id1', Names: [`/${NAME}`], State: state.Status }]),
  );
  engine.on('GET', new RegExp(`^/containers/${NAME}/json$`), (_request, response) => {
    if (state === null) answer(response, 404, { message: 'no such container' });
    else answer(response, 200, { Id: 'id1', Name: `/${NAME}`, Image: 'i', Config: { Labels: {} }, State: state });
  });
  engine.on('POST', /\/kill$/, json({}, 204));
  client = new DockerClient(engine.socketPath);
  watcher = new Watcher(client, owner, { warn: () => {}, onConnect: async () => {}, onChange: () => {} });
  await watcher.open();
});

afterEach(async () => {
  await watcher.close();
  client.close();
  await engine.stop();
});

let clock = Date.now() * 1e6;

function event(action: string, attributes: Record<string, string> = {}): void {
  clock += 1e6;
  const text = JSON.stringify({
    Action: action,
    Actor: { ID: 'id1', Attributes: { name: NAME, ...attributes } },
    timeNano: clock,
  });
  streams.at(-1)?.write(`${text}\n`);
}

const ended = (changes: Partial<typeof running> = {}) => ({
  ...running,
  Status: 'exited',
  Running: false,
  FinishedAt: new Date().toISOString(),
  ...changes,
});
const exit = (look = false) => watcher.exit(NAME, look, new AbortController().signal);
const inspects = () => engine.calls.filter((call) => call.endsWith(`/${NAME}/json`)).length;

test('a clean end is known from its event alone', async () => {
  const waiting = exit();
  event('start');
  event('die', { exitCode: '0' });
  expect(await waiting).toMatchObject({ exitCode: 0, oomKilled: false, external: false, daemonRestart: false });
  expect(inspects()).toBe(0);
});

test('the start is told with the time of its event', async () => {
  const asked = watcher.startedAt(NAME, 2_000);
  event('start');
  expect(await asked).toBe(Math.floor(clock / 1e6));
});

test('memory: told before the end, found at a look, or told a moment after', async () => {
  event('start');
  event('oom');
  event('die', { exitCode: '137' });
  expect(await exit()).toMatchObject({ oomKilled: true });

  watcher.forget(NAME);
  state = ended({ OOMKilled: true, ExitCode: 137 });
  event('start');
  event('die', { exitCode: '137' });
  expect(await exit()).toMatchObject({ oomKilled: true });

  watcher.forget(NAME);
  state = ended({ ExitCode: 137 });
  event('start');
  event('die', { exitCode: '137' });
  setTimeout(() => event('oom'), 50);
  expect(await exit()).toMatchObject({ exitCode: 137, oomKilled: true });
});

test('killed by others, by us, and by itself', async () => {
  state = ended({ ExitCode: 137 });
  event('start');
  event('kill', { signal: '9' });
  event('die', { exitCode: '137' });
  expect(await exit()).toMatchObject({ external: true });

  watcher.forget(NAME);
  watcher.expectEnd(NAME);
  event('start');
  event('kill', { signal: '15' });
  event('die', { exitCode: '143' });
  expect(await exit()).toMatchObject({ exitCode: 143, external: false });

  watcher.forget(NAME);
  event('start');
  event('die', { exitCode: '137' });
  expect(await exit()).toMatchObject({ exitCode: 137, external: false, oomKilled: false });
});

test('removed by others without an end', async () => {
  const waiting = exit();
  event('start');
  event('destroy');
  expect(await waiting).toMatchObject({ external: true, error: expect.stringContaining('removed') });
});

test('an end that no event told of is found when the connection is back', async () => {
  event('start');
  const waiting = exit();
  state = ended({ ExitCode: 5, FinishedAt: new Date(Date.now() + 5).toISOString() });
  await engine.down();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await engine.up();
  expect(await waiting).toMatchObject({ exitCode: 5, daemonRestart: false });
});

test('an end that the engine made up when it came back is not believed', async () => {
  event('start');
  const waiting = exit();
  await engine.down();
  await new Promise((resolve) => setTimeout(resolve, 300));
  state = ended({ ExitCode: 0, FinishedAt: new Date(Date.now() + 1_000).toISOString() });
  await engine.up();
  expect(await waiting).toMatchObject({ daemonRestart: true });
});

test('one that was found is looked at once', async () => {
  state = ended({ ExitCode: 3, FinishedAt: '2026-01-01T00:00:01Z' });
  watcher.seen(NAME, state);
  expect(await exit(true)).toMatchObject({ exitCode: 3 });
});

test('started again from outside, it is killed', async () => {
  event('start');
  event('kill', { signal: '15' });
  event('die', { exitCode: '0' });
  expect(await exit()).toMatchObject({ external: true });
  event('start');
  while (!engine.calls.includes(`POST /containers/${NAME}/kill`))
    await new Promise((resolve) => setTimeout(resolve, 5));
});

test('paused and resumed', async () => {
  const waiting = exit();
  event('start');
  event('pause');
  while (!watcher.isPaused(NAME)) await new Promise((resolve) => setTimeout(resolve, 5));
  event('unpause');
  event('die', { exitCode: '0' });
  await waiting;
  expect(watcher.isPaused(NAME)).toBe(false);
});
