// Browsers: a session in a cookie, what it may be used for, and what ends it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { type Answer, RestClient, type Sent } from '../testing/rest-client.ts';
import { TestMaster } from '../testing/test-master.ts';

let bench: Bench;
let rest: RestClient;

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
  await bench.addUser('ann', 'user', ['red']);
});
afterAll(async () => {
  await rest.server.close();
  await bench.close();
});

const PAGE = { 'x-cloudai-csrf': '1', origin: 'http://localhost' };

function cookieOf({ headers }: Answer): string {
  const [session = ''] = headers['set-cookie'] as string[];
  return session.split(';', 1)[0]!;
}

async function logIn(user = 'ann'): Promise<string> {
  const answer = await rest.post('/session', { token: bench.tokens.get(user) }, { user: null });
  expect(answer.status, answer.text).toBe(201);
  return cookieOf(answer);
}

const by = (cookie: string, headers: Sent['headers'] = {}): Sent => ({ user: null, headers: { cookie, ...headers } });

test('whoever guesses is told to wait, and a good token is good all the time', async () => {
  const limited = new RestClient(bench, { failedLogins: 3 });
  const wrong = { user: 'cai_aaaaaa_wrong' };
  for (let n = 0; n < 3; n += 1) expect((await limited.get('/cluster', wrong)).status).toBe(401);
  const refused = await limited.get('/cluster', wrong);
  expect([refused.status, refused.body.error.code, refused.headers['retry-after']]).toEqual([
    429,
    'rate_limited',
    '60',
  ]);
  expect((await limited.post('/session', { token: 'cai_x_y' }, { user: null })).status).toBe(429);
  expect((await limited.get('/cluster', { user: null, headers: { cookie: 'cloudai_session=x' } })).status).toBe(429);
  // Who shows nothing guesses nothing.
  expect((await limited.get('/cluster', { user: null })).status).toBe(401);
  expect((await limited.get('/cluster')).status).toBe(200);
  expect((await limited.post('/session', { token: bench.tokens.get('ann') }, { user: null })).status).toBe(201);
  await limited.server.close();
});

describe('logging in', () => {
  test('a token is traded for a cookie that no script reads and no other site sends', async () => {
    const answer = await rest.post('/session', { token: bench.tokens.get('ann') }, { user: null });
    expect(answer.body).toMatchObject({ user: 'ann', role: 'user', namespaces: ['red'] });
    expect(Date.parse(answer.body.expiresAt) - bench.now).toBe(12 * 3_600_000);
    const [session, until] = answer.headers['set-cookie'] as string[];
    expect(session).toMatch(/^cloudai_session=cai_[\w.-]+; HttpOnly; Path=\/; Max-Age=43200; SameSite=Strict$/);
    expect(until).toBe(`cloudai_session_until=${bench.now + 12 * 3_600_000}; Path=/; Max-Age=43200; SameSite=Strict`);
    expect(answer.text).not.toContain(cookieOf(answer).split('=')[1]);
    const who = await rest.get('/session', by(cookieOf(answer)));
    expect(who.body).toEqual(answer.body);
  });

  test('a wrong token, none and both are refused', async () => {
    const post = (body: unknown) => rest.post('/session', body, { user: null });
    expect((await post({ token: 'cai_x_y' })).body.error.code).toBe('unauthenticated');
    expect((await post({})).body.error.code).toBe('invalid_argument');
    expect((await post(undefined)).body.error.code).toBe('invalid_argument');
    expect((await post({ token: 'a', code: 'b' })).body.error.code).toBe('invalid_argument');
  });

  test('a page of another origin logs nobody in', async () => {
    const sent = { user: null, headers: { origin: 'https://evil.example' } };
    expect((await rest.post('/session', { token: bench.tokens.get('ann') }, sent)).status).toBe(403);
  });

  test('a code works once, for the user who asked for it, and not for long', async () => {
    const { body } = await rest.post('/session/codes', undefined, { user: 'ann' });
    const first = await rest.post('/session', { code: body.code }, { user: null });
    expect(first.body.user).toBe('ann');
    expect((await rest.post('/session', { code: body.code }, { user: null })).status).toBe(401);
    const late = await rest.post('/session/codes', undefined, { user: 'ann' });
    await bench.advance(10 * 60_000);
    expect((await rest.post('/session', { code: late.body.code }, { user: null })).status).toBe(401);
  });
});

describe('a request with the cookie', () => {
  test('reads like the user', async () => {
    const cookie = await logIn();
    expect((await rest.get('/tasks', by(cookie))).status).toBe(200);
    expect((await rest.get('/tasks', by(`theme=dark; ${cookie}; x=y`))).status).toBe(200);
    expect((await rest.get('/users', by(cookie))).status).toBe(403);
  });

  test('changes something only when a page of the master meant it', async () => {
    const cookie = await logIn();
    const submit = (headers: Sent['headers']) => rest.post('/tasks', { image: 'busybox' }, by(cookie, headers));
    expect((await submit(PAGE)).status).toBe(201);
    expect((await submit({ 'x-cloudai-csrf': '1' })).status).toBe(201);
    for (const headers of [
      {},
      { origin: 'http://localhost' },
      { 'x-cloudai-csrf': '1', origin: 'http://localhost:81' },
      { 'x-cloudai-csrf': '1', origin: 'https://evil.example' },
      { 'x-cloudai-csrf': '1', origin: 'null' },
      { 'x-cloudai-csrf': '1', origin: 'http://localhost.evil.example' },
    ]) {
      const { status, body } = await submit(headers);
      expect(status, JSON.stringify(headers)).toBe(403);
      expect(body.error.code).toBe('forbidden');
    }
  });

  test('is not asked for that when it carries a token: then no browser added it by itself', async () => {
    expect(
      (await rest.post('/tasks', { image: 'busybox' }, { headers: { origin: 'https://evil.example' } })).status,
    ).toBe(201);
  });

  test('a token in the header goes before the cookie', async () => {
    const cookie = await logIn();
    expect((await rest.get('/session', { user: 'admin', headers: { cookie } })).body.user).toBe('admin');
    expect((await rest.get('/session', { user: 'nonsense', headers: { cookie } })).status).toBe(401);
  });
});

describe('a session ends', () => {
  test('by logging out, and the cookies are taken back', async () => {
    const cookie = await logIn();
    const other = await logIn();
    const answer = await rest.send('DELETE', '/api/v1/session', by(cookie, PAGE));
    expect(answer.status).toBe(204);
    for (const taken of answer.headers['set-cookie'] as string[]) expect(taken).toContain('Max-Age=0');
    expect((await rest.get('/session', by(cookie))).status).toBe(401);
    expect((await rest.get('/session', by(other))).status).toBe(200);
  });

  test('not a token, though: who logs out with one keeps it', async () => {
    expect((await rest.send('DELETE', '/api/v1/session', { user: 'ann' })).status).toBe(204);
    expect((await rest.get('/session', { user: 'ann' })).status).toBe(200);
  });

  test('with its time, its token and its user', async () => {
    const token = await bench.addUser('eve', 'user', ['red']);
    const cookie = await logIn('eve');
    const { body } = await rest.get('/session', { user: token });
    const again = await logIn('eve');
    await rest.send('DELETE', `/api/v1/tokens/${body.token}`);
    expect((await rest.get('/session', by(cookie))).status).toBe(401);
    expect((await rest.get('/session', by(again))).status).toBe(401);
    await bench.addUser('eve', 'user', ['red']);
    const fresh = await logIn('eve');
    await rest.send('PUT', '/api/v1/users/eve', { body: { disabled: true } });
    expect((await rest.get('/session', by(fresh))).status).toBe(401);
    const short = await logIn('ann');
    await bench.advance(12 * 3_600_000);
    expect((await rest.get('/session', by(short))).status).toBe(401);
  });

  test('when one token has opened too many: the oldest first', async () => {
    await bench.addUser('many', 'user', ['red']);
    const cookies: string[] = [];
    for (let index = 0; index < 21; index++) {
      cookies.push(await logIn('many'));
      await bench.advance(1);
    }
    expect((await rest.get('/session', by(cookies[0]!))).status).toBe(401);
    expect((await rest.get('/session', by(cookies[1]!))).status).toBe(200);
    expect((await rest.get('/session', by(cookies[20]!))).status).toBe(200);
  });
});

test('a script that logs in all the time is told to wait', async () => {
  const token = await bench.addUser('busy', 'user', ['red']);
  const login = () => rest.post('/session', { token }, { user: null });
  for (let index = 0; index < 60; index++) expect((await login()).status).toBe(201);
  const refused = await login();
  expect([refused.status, refused.body.error.code]).toEqual([429, 'rate_limited']);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(50);
  await bench.advance(60_000);
  expect((await login()).status).toBe(201);
});

test('a session survives a restart of the master, over its real server', async () => {
  const master = await TestMaster.start();
  try {
    const token = await adminToken(master);
    const url = () => `${master.handle.restUrl}/api/v1/session`;
    const login = await fetch(url(), {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: master.handle.restUrl },
      body: JSON.stringify({ token }),
    });
    expect(login.status).toBe(201);
    const [cookie = ''] = login.headers.getSetCookie()[0]!.split(';', 1);
    await master.restart();
    const who = await fetch(url(), { headers: { cookie } });
    expect(await who.json()).toMatchObject({ user: 'admin', role: 'admin' });
  } finally {
    await master.close();
  }
});

async function adminToken({ handle }: TestMaster): Promise<string> {
  const { id, token, hash } = handle.context.identity.makeApiToken();
  await handle.context.loop.submit({ kind: 'putToken', id, user: 'admin', hash, expiresAt: null, by: 'admin' });
  return token;
}
