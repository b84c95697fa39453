// The dashboard's files: what is served, how, and that nothing else of the disk is.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { type Answer, RestClient } from '../testing/rest-client.ts';

const SCRIPT = 'console.log("a dashboard");\n'.repeat(50);
const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

let bench: Bench;
let rest: RestClient;
let folder: string;
let root: string;

beforeAll(async () => {
  bench = await Bench.open();
  folder = await mkdtemp(path.join(tmpdir(), 'cloudai-web-'));
  root = path.join(folder, 'dist');
  await writeFile(path.join(folder, 'secret.txt'), 'not for you');
  rest = new RestClient(bench, { webRoot: root });
});
afterAll(async () => {
  await rest.server.close();
  await bench.close();
  await rm(folder, { recursive: true, force: true });
});

const get = (url: string, headers: Record<string, string> = {}): Promise<Answer> =>
  rest.send('GET', url, { user: null, headers });

test('before the dashboard is built a page says how to build it', async () => {
  const answer = await get('/', HTML);
  expect(answer.status).toBe(404);
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(answer.text).toContain('npm run build');
});

describe('once it is built', () => {
  beforeAll(async () => {
    await mkdir(path.join(root, 'assets'), { recursive: true });
    await writeFile(path.join(root, 'index.html'), '<!doctype html><div id="root"></div>');
    await writeFile(path.join(root, '.env'), 'hidden');
    await writeFile(path.join(root, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    await writeFile(path.join(root, 'assets/index-Ab12Cd34.js'), SCRIPT);
    await writeFile(path.join(root, 'assets/index-Ab12Cd34.js.br'), brotliCompressSync(SCRIPT));
  });

  test('the start page is answered without a token, under a policy without inline scripts', async () => {
    const answer = await get('/');
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('id="root"');
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    const policy = String(answer.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
  });

  test.each(['/tasks', '/tasks/abc', '/workers/w-1.example', '/events?kind=x', '/index.html'])(
    'a browser that opens %s gets the start page',
    async (url) => expect((await get(url, HTML)).text).toContain('id="root"'),
  );

  test('what is no page and no file is not found, in the one form of errors', async () => {
    for (const url of ['/nothing', '/assets/gone-Ab12Cd34.js']) {
      const answer = await get(url, url.startsWith('/assets') ? HTML : {});
      expect(answer.status).toBe(404);
      expect(answer.body.error.code).toBe('not_found');
    }
  });

  test('files with a hash in their name are kept by browsers for good, others are asked for again', async () => {
    const script = await get('/assets/index-Ab12Cd34.js');
    expect(script.text).toBe(SCRIPT);
    expect(script.headers['content-type']).toMatch(/^(text|application)\/javascript/);
    expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    const icon = await get('/favicon.svg');
    expect(icon.headers['content-type']).toContain('image/svg+xml');
    expect(icon.headers['cache-control']).toBe('no-cache');
    const again = await get('/favicon.svg', { 'if-none-match': String(icon.headers.etag) });
    expect(again.status).toBe(304);
  });

  test('a compressed file is sent to who can read it', async () => {
    const url = await rest.app.listen({ host: '127.0.0.1', port: 0 });
    const { headers, body } = await fetchRaw(`${url}/assets/index-Ab12Cd34.js`, { 'accept-encoding': 'br' });
    expect(headers['content-encoding']).toBe('br');
    expect(headers.vary).toContain('ccept-');
    expect(headers['content-type']).toMatch(/javascript/);
    expect(brotliDecompressSync(body).toString()).toBe(SCRIPT);
  });

  test.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/assets/../../secret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/assets%2f..%2f..%2fsecret.txt',
    '/..%5csecret.txt',
    '//secret.txt',
    '/.env',
    '/%2eenv',
    '/assets/%00',
    '/index.html%00.js',
    '/assets',
  ])('%s gives nothing away', async (url) => {
    for (const headers of [{}, HTML]) {
      const { status, text } = await get(url, headers);
      expect(text).not.toMatch(/not for you|hidden/);
      expect(status === 200 ? text : '').not.toContain('console.log');
      expect(status).toBeLessThan(500);
    }
  });

  test.each(['/api', '/api/', '/api/v1/nothing', '/api/v1', '/api/nothing', '/ws/nothing'])(
    '%s is no page: the API answers',
    async (url) => {
      expect((await get(url, HTML)).status).toBe(401);
      const answer = await rest.send('GET', url, { headers: HTML });
      expect(answer.status).toBe(404);
      expect(answer.body.error.code).toBe('not_found');
    },
  );

  test('nothing is changed there: other methods want a token, and then there is no route', async () => {
    expect((await rest.send('POST', '/', { user: null })).status).toBe(401);
    expect((await rest.send('POST', '/')).status).toBe(404);
    expect((await rest.send('HEAD', '/', { user: null })).status).toBe(200);
  });
});

function fetchRaw(
  url: string,
  headers: Record<string, string>,
): Promise<{ headers: http.IncomingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { headers }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(parts) }));
      })
      .on('error', reject);
  });
}
