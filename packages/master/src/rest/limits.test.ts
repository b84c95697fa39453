// How often a token may ask, and from which pages.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
  await bench.addUser('ann', 'user', ['red']);
  await bench.addUser('bob', 'user', ['red']);
});
afterEach(() => bench.close());

describe('requests of a user', () => {
  test('beyond a burst are told to wait, and none of others is', async () => {
    const rest = new RestClient(bench, { requestsPerSecond: 2 });
    const ask = async (user: string, times: number) => {
      const answers = await Promise.all(Array.from({ length: times }, () => rest.get('/version', { user })));
      return answers.filter(({ status }) => status === 200).length;
    };
    expect(await ask('ann', 12)).toBe(8);
    const refused = await rest.get('/version', { user: 'ann' });
    expect(refused.status).toBe(429);
    expect(refused.body.error.code).toBe('rate_limited');
    expect(refused.headers['retry-after']).toBe('1');
    expect(await ask('bob', 8)).toBe(8);
    expect(await ask('admin', 50)).toBe(50);
    await bench.advance(2_000);
    expect(await ask('ann', 12)).toBe(4);
    await rest.server.close();
  });

  test('that read much count as several', async () => {
    const rest = new RestClient(bench, { requestsPerSecond: 100 });
    const passed = async (path: string, times: number) => {
      let count = 0;
      for (let index = 0; index < times; index++)
        if ((await rest.get(path, { user: 'ann' })).status === 200) count += 1;
      return count;
    };
    expect(await passed('/tasks?q=x', 12)).toBe(8);
    await bench.advance(4_000);
    expect(await passed('/tasks', 100)).toBe(80);
    await bench.advance(4_000);
    expect(await passed('/version', 500)).toBe(400);
    await rest.server.close();
  });

  test('share one bucket with their sessions, so that logging in again gives no more', async () => {
    const rest = new RestClient(bench, { requestsPerSecond: 1 });
    const login = await rest.post('/session', { token: bench.tokens.get('ann') }, { user: null });
    const cookie = (login.headers['set-cookie'] as string[])[0]!.split(';')[0]!;
    for (let index = 0; index < 4; index++) await rest.get('/version', { user: 'ann' });
    expect((await rest.get('/version', { user: null, headers: { cookie } })).status).toBe(429);
    await rest.server.close();
  });
});

describe('pages of other origins', () => {
  const origin = 'https://tools.example';

  test('are told nothing unless they are configured', async () => {
    const rest = new RestClient(bench);
    const answer = await rest.get('/version', { headers: { origin } });
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    const asked = { origin, 'access-control-request-method': 'GET' };
    expect((await rest.send('OPTIONS', '/api/v1/tasks', { user: null, headers: asked })).status).toBe(401);
    await rest.server.close();
  });

  test('that are, to the letter, may ask with a token and read the answer, refusals too', async () => {
    const rest = new RestClient(bench, { allowedOrigins: [origin] });
    const asked = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    };
    const preflight = await rest.send('OPTIONS', '/api/v1/tasks', { user: null, headers: asked });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': expect.stringContaining('POST'),
      'access-control-allow-headers': expect.stringContaining('authorization'),
      vary: 'origin',
    });
    for (const user of ['ann', null]) {
      const { headers } = await rest.get('/version', { user, headers: { origin } });
      expect(headers['access-control-allow-origin']).toBe(origin);
      expect(headers).not.toHaveProperty('access-control-allow-credentials');
      expect(headers['access-control-expose-headers']).toContain('x-cloudai-sequence');
    }
    for (const other of ['https://tools.example.evil', 'http://tools.example', 'https://tools.example:444', 'null']) {
      const { headers } = await rest.get('/version', { headers: { origin: other } });
      expect(headers, other).not.toHaveProperty('access-control-allow-origin');
      expect(headers.vary).toBe('origin');
    }
    await rest.server.close();
  });
});
