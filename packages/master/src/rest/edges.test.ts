// What reaches the server and is no proper request: every answer has the one shape, and nothing of the inside.
import { once } from 'node:events';
import { connect } from 'node:net';
import { ERRORS } from '@cloudai/api/errors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { type Answer, RestClient } from '../testing/rest-client.ts';

let bench: Bench;
let rest: RestClient;
let port: number;

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
  port = Number(new URL(await rest.app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(async () => {
  expect(rest.failures).toEqual([]);
  await rest.server.close();
  await bench.close();
});

function expectError(answer: Answer, code: keyof typeof ERRORS): void {
  expect(answer.status, answer.text).toBe(ERRORS[code].status);
  expect(answer.body).toEqual({
    error: {
      code,
      message: expect.any(String),
      requestId: answer.headers['x-request-id'],
      ...(answer.body.error.details === undefined ? {} : { details: answer.body.error.details }),
    },
  });
  expect(answer.headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  });
  expect(answer.text).not.toMatch(/node_modules|\.ts:|\bat \w+ \(/);
}

describe('paths and methods', () => {
  test.each([
    '/api',
    '/api/v1',
    '/api/v1/',
    '/api/v1/nothing',
    '/api/v2/tasks',
    '/api/v1/tasks/',
    '/api/v1/tasks/a/b',
    '//api/v1/tasks',
  ])('%s is no route', async (path) => expectError(await rest.send('GET', path), 'not_found'));

  test.each(['DELETE', 'PUT', 'PATCH', 'HEAD', 'OPTIONS'] as const)(
    '%s of the task list is not allowed',
    async (method) => {
      const answer = await rest.send(method, '/api/v1/tasks');
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('GET, POST');
      if (method !== 'HEAD') expectError(answer, 'method_not_allowed');
    },
  );

  test('a path that can not be decoded', async () => {
    for (const path of ['/api/v1/tasks/%', '/api/v1/tasks/%zz', '/api/v1/tasks/%ff', '/%c0%ae%c0%ae/'])
      expectError(await rest.send('GET', path), 'invalid_argument');
  });

  test('ids of any kind find nothing and break nothing', async () => {
    const ids = [
      '%00',
      '..%2f..%2fetc',
      '%20',
      'a%0ab',
      '%F0%9F%92%A9',
      '__proto__',
      'constructor',
      '*',
      '%25',
      "'%20OR%201=1--",
      'x'.repeat(64),
    ];
    for (const id of ids) {
      const answer = await rest.get(`/tasks/${id}`);
      expectError(answer, 'task_unknown');
      expect((await rest.get(`/workers/${id}`)).status, id).toBeLessThan(500);
    }
    expect((await rest.get(`/tasks/${'x'.repeat(100)}`)).status).toBe(400);
    expect((await rest.get(`/tasks/${'x'.repeat(5000)}`)).status).toBeLessThan(500);
  });
});

describe('bodies', () => {
  const post = (text: string, headers: Record<string, string> = {}) =>
    rest.send('POST', '/api/v1/tasks', { text, headers });

  test.each(['{', '[1', 'null', '"x"', '[]', '5', 'true', '{"image":"a",}', "{'image':'a'}", '{"image":"a"}{', ''])(
    'that is no object of JSON: %j',
    async (text) => expectError(await post(text), 'invalid_argument'),
  );

  test('with a prototype in it', async () => {
    for (const text of [
      '{"image":"a","__proto__":{"admin":true}}',
      '{"image":"a","env":{"__proto__":"x"}}',
      '{"image":"a","constructor":{"prototype":{}}}',
    ])
      expectError(await post(text), 'invalid_argument');
    expect((await post('{"image":"a","labels":{"constructor":"x","toString":"y"}}')).status).toBe(201);
  });

  test.each([
    ['/tasks', '{"image":"\\ud83d"}', 'image'],
    ['/tasks', '{"image":"a","labels":{"k":"\\ude00"}}', 'labels.k'],
    ['/tasks', '{"image":"a","env":{"A":"\\ud83d"}}', 'env.A'],
    ['/tasks', '{"image":"a","command":["\\ud83d"]}', 'command[0]'],
    ['/workers/w-1/drain', '{"reason":"\\ud83d"}', 'reason'],
    ['/jobs', '{"name":"\\ud83d","tasks":[{"image":"a"}]}', 'name'],
  ])('with half of a surrogate pair: %s %s', async (path, text, field) => {
    const answer = await rest.send('POST', `/api/v1${path}`, { text });
    expectError(answer, 'invalid_argument');
    expect(answer.body.error).toMatchObject({
      message: expect.stringContaining('half of a surrogate pair'),
      details: { field },
    });
  });

  test('nested as deep as the limit of size allows', async () => {
    const depth = 100_000;
    expectError(await post(`{"image":${'['.repeat(depth)}${']'.repeat(depth)}}`), 'invalid_argument');
    expectError(await post(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`), 'invalid_argument');
  });

  test('of another type', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      'nonsense',
    ])
      expectError(await post('{"image":"a"}', { 'content-type': type }), 'unsupported_media_type');
    expect((await post('{"image":"a"}', { 'content-type': 'application/json; charset=utf-8' })).status).toBe(201);
  });

  test('beyond the limit: 1 MiB, and 16 MiB for a job', async () => {
    const task = (bytes: number) => JSON.stringify({ image: 'a', command: 'x'.repeat(bytes) });
    expectError(await post(task(2 ** 20)), 'payload_too_large');
    expectError(await post(task(200_000)), 'invalid_argument');
    const job = (bytes: number) =>
      rest.send('POST', '/api/v1/jobs', { text: `{"tasks":[{"image":"a"}],"x":"${'y'.repeat(bytes)}"}` });
    expectError(await job(2 * 2 ** 20), 'invalid_argument');
    expectError(await job(16 * 2 ** 20), 'payload_too_large');
  });

  test('may be left out where nothing has to be said', async () => {
    const { body } = await rest.post('/tasks', { image: 'a' });
    expect(
      (await rest.send('POST', `/api/v1/tasks/${body.id}/cancel`, { headers: { 'content-type': 'application/json' } }))
        .status,
    ).toBe(200);
  });
});

describe('query', () => {
  test.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1e3', 'limit'],
    ['limit=', 'limit'],
    ['limit=5&limit=6', 'limit'],
    ['order=best', 'order'],
    ['state=sleeping', 'state'],
    ['label=novalue', 'label'],
    ['cursor=nonsense', 'cursor'],
    ['colour=red', 'colour'],
    ['stat=running', 'stat'],
    ['__proto__=x', '__proto__'],
  ])('%s is refused by name', async (query, field) => {
    const answer = await rest.get(`/tasks?${query}`);
    expectError(answer, 'invalid_argument');
    expect(answer.body.error.details).toEqual({ field });
  });

  test('a near name is offered', async () => {
    expect((await rest.get('/tasks?stat=running')).body.error.message).toContain('did you mean state?');
    expect((await rest.post('/tasks', { image: 'a', prioritty: 1 })).body.error.message).toContain(
      'did you mean priority?',
    );
  });
});

describe('who may ask', () => {
  test('the host names that are answered', async () => {
    const as = (host: string) => rest.send('GET', '/api/v1/version', { headers: { host } });
    for (const host of ['localhost', 'localhost:1', '127.0.0.1:8080', '[::1]:8080', 'LOCALHOST', 'localhost.'])
      expect((await as(host)).status, host).toBe(200);
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '10.0.0.1',
      '[::2]',
      'localhost:8080:1',
      'localhost@evil.example',
    ])
      expectError(await as(host), 'misdirected_request');
    expectError(await rest.send('GET', '/health', { headers: { host: 'evil.example' } }), 'misdirected_request');
  });

  test('further names by configuration', async () => {
    const other = new RestClient(bench, { hosts: ['master.example'] });
    expect((await other.send('GET', '/health', { user: null, headers: { host: 'Master.Example:443' } })).status).toBe(
      200,
    );
    await other.server.close();
  });

  test('health and readiness need no token and say no more than that', async () => {
    expect((await rest.send('GET', '/health', { user: null })).body).toEqual({
      status: 'ok',
      time: expect.any(String),
    });
    expect((await rest.send('GET', '/ready', { user: null })).text).toBe('{"status":"ready"}');
    expectError(await rest.send('GET', '/api/v1/openapi.json', { user: null }), 'unauthenticated');
    expectError(await rest.send('GET', '/api/nothing', { user: null }), 'unauthenticated');
  });

  test.each([
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'Token x',
    `Bearer ${'x'.repeat(10_000)}`,
    'Bearer a b',
    'Bearer \u00ff',
  ])('Authorization: %s is none', async (authorization) =>
    expectError(await rest.send('GET', '/api/v1/tasks', { user: null, headers: { authorization } }), 'unauthenticated'),
  );

  test('a disabled user and an expired token have no rights, at once', async () => {
    await bench.addUser('cleo', 'user', ['default']);
    expect((await rest.get('/tasks', { user: 'cleo' })).status).toBe(200);
    await rest.send('PUT', '/api/v1/users/cleo', { body: { disabled: true } });
    expectError(await rest.get('/tasks', { user: 'cleo' }), 'unauthenticated');
    const { body } = await rest.post('/users/admin/tokens', { ttl: '1m' });
    expect((await rest.get('/tasks', { user: body.token })).status).toBe(200);
    await bench.advance(60_000);
    expectError(await rest.get('/tasks', { user: body.token }), 'unauthenticated');
  });
});

test('a request id of the client is used if it is one', async () => {
  expect((await rest.get('/version', { headers: { 'x-request-id': 'my-id.1' } })).headers['x-request-id']).toBe(
    'my-id.1',
  );
  for (const id of ['', 'a b', 'x'.repeat(65), '<script>', 'a\u00e9'])
    expect((await rest.get('/version', { headers: { 'x-request-id': id } })).headers['x-request-id']).toMatch(
      /^[a-z2-7]{16}$/,
    );
});

describe('on the wire', () => {
  async function raw(text: string): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk) => (answer += chunk));
    socket.write(text);
    await once(socket, 'close');
    return answer;
  }

  test.each([
    ['nonsense', 'nonsense\r\n\r\n', 400, 'invalid_argument'],
    [
      'headers beyond 16 KiB',
      `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`,
      431,
      'header_too_large',
    ],
    [
      'two lengths',
      'POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'invalid_argument',
    ],
    [
      'a length and chunks',
      'POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'invalid_argument',
    ],
    [
      'a header with a line feed',
      'GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\nb\r\n\r\n',
      400,
      'invalid_argument',
    ],
  ])('%s', async (_what, text, status, code) => {
    const answer = await raw(text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)).error.code).toBe(code);
  });

  test('a body that is announced larger than allowed is refused before it is sent', async () => {
    const token = bench.tokens.get('admin');
    const answer = await raw(
      `POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n{`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
  });

  test('nobody without a token gets a body taken', async () => {
    const answer = await raw(
      `POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 16000000\r\nConnection: close\r\n\r\n{`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 401 /);
  });
});
