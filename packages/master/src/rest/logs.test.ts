// Logs through the server: search, the last lines, following, and readers that are slow, leave or lose their rights.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogLine } from '@cloudai/api/rest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';

let bench: Bench;
let rest: RestClient;
let url: string;

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
  url = await rest.app.listen({ host: '127.0.0.1', port: 0 });
  await bench.addWorker('w-1', { cpu: 64, memory: 64 });
});
afterAll(async () => {
  await rest.server.close();
  await bench.close();
});

async function running(body: object = {}): Promise<string> {
  const answer = await rest.post('/tasks', { image: 'busybox', ...body });
  await bench.run(answer.body.id);
  return answer.body.id;
}

function texts(lines: readonly LogLine[]): string[] {
  return lines.flatMap((line) => (line.kind === 'data' && 'text' in line ? [line.text] : []));
}

/** Reads a log over a socket, line by line as it comes. */
class Follower {
  readonly lines: LogLine[] = [];
  readonly #controller = new AbortController();
  done: Promise<void> = Promise.resolve();

  static async open(path: string, user = 'admin'): Promise<Follower> {
    const follower = new Follower();
    const response = await fetch(`${url}/api/v1${path}`, {
      headers: { authorization: `Bearer ${bench.tokens.get(user) ?? user}` },
      signal: follower.#controller.signal,
    });
    expect(response.status).toBe(200);
    follower.done = follower.#read(response.body!).catch((error: unknown) => {
      if (!follower.#controller.signal.aborted) throw error;
    });
    return follower;
  }

  async has(count: number): Promise<readonly LogLine[]> {
    for (let tries = 0; this.lines.length < count; tries++) {
      if (tries > 400)
        throw new Error(`only ${this.lines.length} of ${count} lines came: ${JSON.stringify(this.lines)}`);
      await delay(5);
    }
    return this.lines;
  }

  leave(): void {
    this.#controller.abort();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) this.lines.push(JSON.parse(line));
    }
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 800) throw new Error(`waited in vain for ${what}`);
    await delay(5);
  }
}

describe('history', () => {
  test('an ended task: everything, then the end', async () => {
    const id = await running();
    await bench.log(id, 'one\n');
    await bench.endLog(id, 5);
    await bench.end(id, 4);
    expect(await rest.log(`/tasks/${id}/logs`)).toMatchObject([
      { kind: 'data', text: 'one\n' },
      { kind: 'dropped', attempt: 1, bytes: 5 },
      { kind: 'end', state: 'failed', reason: 'exit_nonzero', exitCode: 4 },
    ]);
  });

  test('the result may be faster than the last of the log', async () => {
    const id = await running();
    await bench.log(id, 'one\n');
    await bench.end(id, 0);
    const reads = ['', '?tail=1', '?grep=o'].map((query) => rest.log(`/tasks/${id}/logs${query}`));
    await delay(50);
    await bench.log(id, 'two\n');
    await bench.endLog(id);
    const [all, last, found] = (await Promise.all(reads)).map((lines) => texts(lines).join(''));
    expect([all, last, found]).toEqual(['one\ntwo\n', 'two\n', 'one\ntwo\n']);
  });

  test('bytes that are no text come whole, and characters that were cut are put together', async () => {
    const id = await running();
    const euro = Buffer.from('€');
    await bench.log(id, Buffer.concat([Buffer.from('a'), euro.subarray(0, 1)]));
    await bench.advance(1000);
    await bench.log(id, Buffer.concat([euro.subarray(1), Buffer.from('b')]));
    await bench.log(id, Buffer.from([0xff, 0x00, 0xfe]), 'stderr');
    const lines = await rest.log(`/tasks/${id}/logs`);
    expect(texts(lines)).toEqual(['a', '€b']);
    expect(lines).toContainEqual(
      expect.objectContaining({ stream: 'stderr', base64: Buffer.from([255, 0, 254]).toString('base64') }),
    );
    const raw = await fetch(`${url}/api/v1/tasks/${id}/logs?format=text`, {
      headers: { authorization: `Bearer ${bench.tokens.get('admin')}` },
    });
    expect(Buffer.from(await raw.arrayBuffer())).toEqual(
      Buffer.concat([Buffer.from('a€b'), Buffer.from([255, 0, 254])]),
    );
    expect(raw.headers.get('content-disposition')).toBe(`attachment; filename="${id}.log"`);
    expect(raw.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('lines are found by text, pattern, stream and time, over the places where they were cut', async () => {
    const id = await running();
    await bench.log(id, 'GET /a 200\nGET /b 5');
    await bench.advance(60_000);
    await bench.log(id, '00\nlast');
    await bench.log(id, 'warn: GET\n', 'stderr');
    const found = async (query: string) => texts(await rest.log(`/tasks/${id}/logs?${query}`));
    expect(await found('grep=GET')).toEqual(['GET /a 200\n', 'GET /b 500\n', 'warn: GET\n']);
    expect(await found('grep=GET&stream=stdout')).toEqual(['GET /a 200\n', 'GET /b 500\n']);
    expect(await found(`regex=${encodeURIComponent('^GET .* 5\\d\\d$')}`)).toEqual(['GET /b 500\n']);
    expect(await found('grep=a&regex=b')).toEqual([]);
    expect(await found('since=30s')).toEqual(['GET /b 500\n', 'warn: GET\n', 'last']);
    expect(await found(`since=${new Date(bench.now - 61_000).toISOString()}`)).toHaveLength(4);
    expect(await found('tail=2')).toEqual(['warn: GET\n', 'last']);
    expect(await found('tail=1&grep=GET&stream=stdout')).toEqual(['GET /b 500\n']);
    expect(await found('tail=0')).toEqual([]);
  });

  test('a found line says where in its stream it stands', async () => {
    const id = await running();
    await bench.log(id, 'abc\ndef\n');
    expect(await rest.log(`/tasks/${id}/logs?grep=def`)).toMatchObject([
      { offset: 4, text: 'def\n', stream: 'stdout' },
    ]);
  });

  test.each(['(a+)+b', '(x|x)*y', '(.*)*=', 'a{0,50}a{0,50}$'])(
    'the pattern %s takes no longer on a hostile line',
    async (pattern) => {
      const id = await running();
      await bench.log(id, `${'a'.repeat(60_000)}\n${'x'.repeat(60_000)}\n`);
      const started = performance.now();
      const { status } = await rest.get(`/tasks/${id}/logs?regex=${encodeURIComponent(pattern)}`);
      expect([200, 400]).toContain(status);
      expect(performance.now() - started).toBeLessThan(2_000);
    },
  );

  test.each(['(?=a)', '(a)\\1', '(', '[', 'a{2', '(?<=x)y'])(
    'the pattern %s is refused or harmless, never a failure',
    async (pattern) => {
      const id = await running();
      const { status, body } = await rest.get(`/tasks/${id}/logs?regex=${encodeURIComponent(pattern)}`);
      expect([200, 400]).toContain(status);
      if (status === 400) expect(body.error).toMatchObject({ code: 'invalid_argument', details: { field: 'regex' } });
    },
  );

  test('attempts: the newest, a certain one, all of them, one that is not there', async () => {
    const id = await running({ retry: { limit: 1, backoff: 0 } });
    await bench.log(id, 'first\n');
    await bench.endLog(id);
    await bench.end(id, 1);
    await bench.run(id);
    await bench.log(id, 'second\n');
    await bench.endLog(id);
    await bench.end(id, 0);
    expect(texts(await rest.log(`/tasks/${id}/logs`))).toEqual(['second\n']);
    expect(texts(await rest.log(`/tasks/${id}/logs?attempt=1`))).toEqual(['first\n']);
    expect(await rest.log(`/tasks/${id}/logs?attempt=all`)).toMatchObject([
      { kind: 'data', attempt: 1, text: 'first\n' },
      { kind: 'attempt', attempt: 2, worker: 'w-1' },
      { kind: 'data', attempt: 2, text: 'second\n' },
      { kind: 'end', state: 'completed' },
    ]);
    expect((await rest.get(`/tasks/${id}/logs?attempt=3`)).body.error.code).toBe('log_unavailable');
  });

  test('a task that never started has an empty log and an end', async () => {
    const { body } = await rest.post('/tasks', { image: 'busybox', startAfter: '2030-01-01T00:00:00Z' });
    expect(await rest.log(`/tasks/${body.id}/logs`)).toEqual([]);
    await rest.post(`/tasks/${body.id}/cancel`);
    expect(await rest.log(`/tasks/${body.id}/logs`)).toMatchObject([{ kind: 'end', state: 'cancelled' }]);
    expect(await rest.log(`/tasks/${body.id}/logs?follow`)).toMatchObject([{ kind: 'end', state: 'cancelled' }]);
  });
});

describe('following', () => {
  test('begins before the first attempt, goes over a retry, and ends with the task', async () => {
    const { body } = await rest.post('/tasks', {
      image: 'busybox',
      retry: { limit: 1, backoff: 0 },
      startAfter: new Date(bench.now + 1_000).toISOString(),
    });
    const follower = await Follower.open(`/tasks/${body.id}/logs?follow=true`);
    await bench.advance(2_000);
    await bench.run(body.id);
    await bench.log(body.id, 'try one\n');
    await follower.has(1);
    await bench.endLog(body.id);
    await bench.end(body.id, 1);
    await bench.run(body.id);
    await bench.log(body.id, 'try two\n');
    await follower.has(3);
    await bench.endLog(body.id);
    await bench.end(body.id, 0);
    await follower.done;
    expect(follower.lines).toMatchObject([
      { kind: 'data', attempt: 1, text: 'try one\n' },
      { kind: 'attempt', attempt: 2, worker: 'w-1' },
      { kind: 'data', attempt: 2, text: 'try two\n' },
      { kind: 'end', state: 'completed', exitCode: 0 },
    ]);
  });

  test('shows a line soon after it was stored', async () => {
    const id = await running();
    const follower = await Follower.open(`/tasks/${id}/logs?follow=true`);
    const delays: number[] = [];
    for (let index = 0; index < 10; index++) {
      await bench.log(id, `${index}\n`);
      const started = performance.now();
      await follower.has(index + 1);
      delays.push(performance.now() - started);
    }
    expect(Math.max(...delays)).toBeLessThan(250);
    follower.leave();
    await follower.done;
  });

  test('from the last lines on neither repeats nor leaves out', async () => {
    const id = await running();
    await bench.log(id, '1\n2\n3\n4');
    const follower = await Follower.open(`/tasks/${id}/logs?follow=true&tail=2`);
    await follower.has(2);
    await bench.log(id, '4\n5\n');
    await bench.endLog(id);
    await bench.end(id);
    await follower.done;
    expect(texts(follower.lines)).toEqual(['3\n', '4', '4\n', '5\n']);
  });

  test('from the last lines on does not go back to what the other stream said long before', async () => {
    const id = await running();
    await bench.log(id, 'early\n', 'stderr');
    await bench.log(id, '1\n2\n3\n');
    const follower = await Follower.open(`/tasks/${id}/logs?follow=true&tail=1`);
    await follower.has(1);
    await bench.log(id, '4\n');
    await bench.endLog(id);
    await bench.end(id);
    await follower.done;
    expect(texts(follower.lines)).toEqual(['3\n', '4\n']);
  });

  test('keeps only lines that are asked for', async () => {
    const id = await running();
    const follower = await Follower.open(`/tasks/${id}/logs?follow=true&grep=yes`);
    await bench.log(id, 'no\nye');
    await bench.log(id, 's 1\nno\nyes 2');
    await bench.endLog(id);
    await bench.end(id);
    await follower.done;
    expect(texts(follower.lines)).toEqual(['yes 1\n', 'yes 2']);
  });

  test('a reader that left leaves nothing behind', async () => {
    const id = await running();
    const followers = await Promise.all(
      Array.from({ length: 20 }, () => Follower.open(`/tasks/${id}/logs?follow=true`)),
    );
    await until(() => rest.server.streams.size === 20, 'the streams');
    for (const follower of followers) follower.leave();
    await until(() => rest.server.streams.size === 0, 'the streams to be closed');
    expect((await bench.logs.open(id, 1)).listeners.size).toBe(0);
    await Promise.all(followers.map(({ done }) => done));
  });

  test.each<[string, (id: string) => Promise<unknown>]>([
    ['the token was revoked', (token) => bench.apply({ kind: 'revokeToken', id: token, by: 'admin' })],
    ['the user was disabled', () => rest.send('PUT', '/api/v1/users/guest', { body: { disabled: true } })],
    ['the user left the namespace', () => rest.send('PUT', '/api/v1/users/guest', { body: { namespaces: ['other'] } })],
    ['the token has expired', () => bench.advance(60_000)],
  ])('ends soon after %s', { timeout: 20_000 }, async (_what, takeAway) => {
    await bench.addUser('guest', 'user', ['default', 'other']);
    const id = await running();
    await bench.log(id, 'before\n');
    const { body: issued } = await rest.post('/users/guest/tokens', { ttl: '1m' });
    const follower = await Follower.open(`/tasks/${id}/logs?follow=true`, issued.token);
    await follower.has(1);
    await takeAway(issued.id);
    await follower.done;
    expect(follower.lines.at(-1)).toMatchObject({ kind: 'interrupted', message: expect.stringContaining('rights') });
    expect((await rest.get(`/tasks/${id}`, { user: issued.token })).status).toBeGreaterThanOrEqual(401);
  });

  test('a reader that does not read costs neither memory nor the others', { timeout: 20_000 }, async () => {
    const id = await running();
    const block = `${'x'.repeat(1023)}\n`.repeat(1024);
    for (let index = 0; index < 32; index++) await bench.log(id, block);
    await bench.endLog(id);
    const { port } = new URL(url);
    const sockets = Array.from({ length: 8 }, () => connect(Number(port), '127.0.0.1'));
    for (const socket of sockets) {
      await once(socket, 'connect');
      socket.write(
        `GET /api/v1/tasks/${id}/logs?format=text&follow=true HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${bench.tokens.get('admin')}\r\n\r\n`,
      );
      socket.pause();
    }
    await until(() => rest.server.streams.size === sockets.length, 'the streams');
    await delay(200);
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    const started = performance.now();
    const text = await rest.get(`/tasks/${id}/logs?format=text`);
    expect(text.text.length).toBe(32 * 2 ** 20);
    expect(performance.now() - started).toBeLessThan(5_000);
    const health = await rest.send('GET', '/health', { user: null });
    expect(health.status).toBe(200);
    // Eight readers of 32 MiB each would be 256 MiB if they were read ahead.
    expect(process.memoryUsage().rss - before).toBeLessThan(220 * 2 ** 20);
    for (const socket of sockets) socket.destroy();
    await until(() => rest.server.streams.size === 0, 'the streams to be closed');
  });
});
