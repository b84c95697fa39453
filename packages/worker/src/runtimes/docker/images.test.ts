import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runSpec } from '../../testing/assignment.ts';
import { answer, FakeEngine } from '../../testing/fake-engine.ts';
import { DockerClient } from './client.ts';
import { Images } from './images.ts';

const DIGEST = `sha256:${'d'.repeat(64)}`;
const signal = new AbortController().signal;
const never = () => {};

let engine: FakeEngine;
let client: DockerClient;
let directory: string;
let warnings: string[];
let pulls: { readonly url: URL; readonly auth: string | undefined; readonly response: http.ServerResponse }[];
let local: Map<string, { Id: string; RepoDigests: string[] }>;

beforeEach(async () => {
  engine = await FakeEngine.start();
  client = new DockerClient(engine.socketPath);
  directory = await mkdtemp(path.join(os.tmpdir(), 'images-test-'));
  warnings = [];
  pulls = [];
  local = new Map();
  engine.on('GET', /^\/images\/.*\/json$/, (_request, response, url) => {
    const image = local.get(url.pathname.replace(/^.*\/images\//, '').replace(/\/json$/, ''));
    if (image === undefined) answer(response, 404, { message: 'no such image' });
    else answer(response, 200, image);
  });
  engine.on('POST', /^\/images\/create$/, (request, response, url) => {
    pulls.push({ url, auth: request.headers['x-registry-auth'] as string | undefined, response });
  });
});

afterEach(async () => {
  client.close();
  await engine.stop();
  await rm(directory, { recursive: true });
});

function images(more: { pullIdleMs?: number; pullTotalMs?: number } = {}): Images {
  return new Images(client, {
    authFile: path.join(directory, 'config.json'),
    now: () => performance.now(),
    warn: (text) => warnings.push(text),
    ...more,
  });
}

function say(response: http.ServerResponse, ...messages: object[]): void {
  for (const message of messages) response.write(`${JSON.stringify(message)}\n`);
}

/** Answers the pull with this number, which also makes the image present. */
async function succeed(index: number, name: string): Promise<void> {
  const { response } = await pull(index);
  local.set(name, { Id: 'sha256:new', RepoDigests: [`${name.replace(/[:@].*/, '')}@${DIGEST}`] });
  say(response, { status: 'Download complete' });
  response.end();
}

async function pull(index: number) {
  while (pulls[index] === undefined) await new Promise((resolve) => setTimeout(resolve, 2));
  return pulls[index];
}

describe('an image that is here', () => {
  beforeEach(() => local.set('busybox:1', { Id: 'sha256:old', RepoDigests: [`busybox@${DIGEST}`] }));

  test('is used as it is, and looked at once for many tasks', async () => {
    const store = images();
    const spec = runSpec({ image: 'busybox:1' });
    expect(await store.prepare(spec, never, signal)).toEqual({ imageId: 'sha256:old', digest: `busybox@${DIGEST}` });
    await store.prepare(spec, never, signal);
    expect(engine.calls.filter((call) => call.startsWith('GET /images'))).toHaveLength(1);
  });

  test('with pull=always is pulled, and used when the registry can not be reached', async () => {
    const told: string[] = [];
    const prepared = images().prepare(
      runSpec({ image: 'busybox:1', pull: 'always' }),
      (text) => told.push(text),
      signal,
    );
    answer((await pull(0)).response, 500, { message: 'dial tcp: lookup registry-1.docker.io: no such host' });
    expect(await prepared).toMatchObject({ imageId: 'sha256:old' });
    expect(warnings[0]).toContain('could not be pulled (dial tcp: lookup registry-1.docker.io: no such host)');
    expect(warnings[0]).toContain('the copy on this worker is used');
    expect(told.at(-1)).toBe(warnings[0]);
  });

  test('built here without a registry has no digest to pin', async () => {
    local.set('mine:1', { Id: 'sha256:mine', RepoDigests: [] });
    expect(await images().prepare(runSpec({ image: 'mine:1' }), never, signal)).toEqual({
      imageId: 'sha256:mine',
      digest: null,
    });
  });
});

describe('an image that is not here', () => {
  test('is pulled, with progress in megabytes', async () => {
    const told: string[] = [];
    const prepared = images().prepare(runSpec({ image: 'busybox:1' }), (text) => told.push(text), signal);
    const { response, url } = await pull(0);
    expect([url.searchParams.get('fromImage'), url.searchParams.get('tag')]).toEqual(['busybox', '1']);
    say(
      response,
      { id: 'a', status: 'Downloading', progressDetail: { current: 1_000_000, total: 4_000_000 } },
      { id: 'b', status: 'Downloading', progressDetail: { current: 500_000, total: 6_000_000 } },
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    await succeed(0, 'busybox:1');
    expect(await prepared).toEqual({ imageId: 'sha256:new', digest: `busybox@${DIGEST}` });
    expect(told).toEqual(['pulling busybox', 'pulling 1.5 MB of 10.0 MB']);
  });

  test('with pull=never is an error that names it', async () => {
    const prepared = images().prepare(runSpec({ image: 'busybox:1', pull: 'never' }), never, signal);
    await expect(prepared).rejects.toMatchObject({
      reason: 'image_error',
      message: /"busybox:1" is not on this worker/,
    });
    expect(pulls).toHaveLength(0);
  });

  test('and an error inside the progress is the outcome although the status was 200', async () => {
    const prepared = images().prepare(runSpec({ image: 'ghcr.io/a/b:9' }), never, signal);
    const { response } = await pull(0);
    say(response, { status: 'Pulling' }, { errorDetail: { message: 'manifest unknown' }, error: 'manifest unknown' });
    response.end();
    await expect(prepared).rejects.toMatchObject({
      reason: 'image_error',
      message:
        'image "ghcr.io/a/b:9" is not on this worker and could not be pulled: manifest unknown; check the name and the tag',
    });
  });

  test.each([
    ['pull access denied for x, repository does not exist or may require docker login', /docker login docker\.io/],
    ['Get "https://registry-1.docker.io/v2/": dial tcp: i/o timeout', /check that the worker reaches docker\.io/],
    ['toomanyrequests: You have reached your pull rate limit', /You have reached your pull rate limit/],
  ])('and the registry says %j: the message says what to do', async (said, advice) => {
    const prepared = images().prepare(runSpec({ image: 'x' }), never, signal);
    answer((await pull(0)).response, 500, { message: said });
    await expect(prepared).rejects.toMatchObject({ message: advice });
  });

  test('and the registry falls silent: given up after the idle time', async () => {
    const prepared = images({ pullIdleMs: 40 }).prepare(runSpec({ image: 'x' }), never, signal);
    say((await pull(0)).response, { status: 'Pulling' });
    await expect(prepared).rejects.toMatchObject({ message: /the registry sent nothing for 0.04 s/ });
  });

  test('and the registry never ends: given up after the total time', async () => {
    const prepared = images({ pullTotalMs: 60 }).prepare(runSpec({ image: 'x' }), never, signal);
    const { response } = await pull(0);
    const timer = setInterval(() => say(response, { status: 'Pulling' }), 5);
    await expect(prepared).rejects.toMatchObject({ message: /the pull took longer than 0.06 s/ });
    clearInterval(timer);
  });
});

describe('pinning', () => {
  test('a retry runs the digest of the first attempt, not what the tag says now', async () => {
    local.set('busybox:1', { Id: 'sha256:moved', RepoDigests: [] });
    const spec = runSpec({ image: 'busybox:1', imageDigest: `busybox@${DIGEST}`, pull: 'always' });
    const prepared = images().prepare(spec, never, signal);
    const { url } = await pull(0);
    expect([url.searchParams.get('fromImage'), url.searchParams.get('tag')]).toEqual(['busybox', DIGEST]);
    await succeed(0, `busybox@${DIGEST}`);
    expect(await prepared).toMatchObject({ imageId: 'sha256:new' });
  });

  test('a pinned image that is here needs no registry', async () => {
    local.set(`busybox@${DIGEST}`, { Id: 'sha256:pinned', RepoDigests: [`busybox@${DIGEST}`] });
    const spec = runSpec({ image: 'busybox:1', imageDigest: `busybox@${DIGEST}`, pull: 'always' });
    expect(await images().prepare(spec, never, signal)).toMatchObject({ imageId: 'sha256:pinned' });
  });
});

describe('many pulls', () => {
  test('the same image is pulled once for all who wait', async () => {
    const store = images();
    const spec = runSpec({ image: 'busybox:1' });
    const all = [1, 2, 3].map(() => store.prepare(spec, never, signal));
    await succeed(0, 'busybox:1');
    expect(await Promise.all(all)).toHaveLength(3);
    expect(pulls).toHaveLength(1);
  });

  test('two at a time, and the others say that they wait', async () => {
    const store = images();
    const told: string[] = [];
    const all = ['a', 'b', 'c'].map((image) => store.prepare(runSpec({ image }), (text) => told.push(text), signal));
    await pull(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(pulls).toHaveLength(2);
    expect(told).toContain('waiting for other pulls');
    for (const index of [0, 1, 2]) {
      const { url } = await pull(index);
      await succeed(index, url.searchParams.get('fromImage') ?? '');
    }
    await Promise.all(all);
  });

  test('one who gives up does not disturb the others; the last one to give up ends the pull', async () => {
    const store = images();
    const spec = runSpec({ image: 'busybox:1' });
    const aborts = [new AbortController(), new AbortController()];
    const all = aborts.map((abort) => store.prepare(spec, never, abort.signal));
    const settled = Promise.allSettled(all);
    const { response } = await pull(0);
    let closed = false;
    response.on('close', () => {
      closed = true;
    });
    say(response, { status: 'Pulling' });
    aborts[0]?.abort();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(closed).toBe(false);
    aborts[1]?.abort();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    while (!closed) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});

describe('credentials', () => {
  const decoded = (auth: string | undefined) => JSON.parse(Buffer.from(auth ?? '', 'base64url').toString());

  async function authOf(auths: object, image: string): Promise<string | undefined> {
    await writeFile(path.join(directory, 'config.json'), JSON.stringify({ auths }));
    const prepared = images().prepare(runSpec({ image }), never, signal);
    const { auth } = await pull(0);
    await succeed(0, image);
    await prepared;
    return auth;
  }

  test('a user and password in base64', async () => {
    const auth = await authOf({ 'ghcr.io': { auth: Buffer.from('me:a:b').toString('base64') } }, 'ghcr.io/a/b');
    expect(decoded(auth)).toEqual({ username: 'me', password: 'a:b', serveraddress: 'ghcr.io' });
  });

  test('an identity token for Docker Hub under its old key', async () => {
    const auth = await authOf({ 'https://index.docker.io/v1/': { identitytoken: 'tok' } }, 'busybox');
    expect(decoded(auth)).toEqual({ identitytoken: 'tok', serveraddress: 'https://index.docker.io/v1/' });
  });

  test('those of another registry are not sent', async () => {
    expect(await authOf({ 'ghcr.io': { identitytoken: 'tok' } }, 'quay.io/a/b')).toBe(undefined);
  });
});

test('an engine that goes away during a pull says nothing about the image', async () => {
  const prepared = images().prepare(runSpec({ image: 'busybox:1' }), never, signal);
  prepared.catch(() => {});
  say((await pull(0)).response, { status: 'Pulling' });
  await engine.down();
  await expect(prepared).rejects.toMatchObject({ name: 'DockerUnreachable' });
});

test('what is not a reference never reaches the engine', async () => {
  const prepared = images().prepare(runSpec({ image: '../containers/json?x=' }), never, signal);
  await expect(prepared).rejects.toMatchObject({ reason: 'image_error', message: /is not an image reference/ });
  expect(engine.calls).toEqual([]);
});
