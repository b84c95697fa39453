import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';
import { readRange } from './artifact-reply.ts';

let bench: Bench;
let rest: RestClient;
let id: string;

const FILES = ['plain.txt', 'dir/page.html', 'ünïcode "q" \\ (1).bin', 'gone.txt', 'empty'];
const content = (name: string) => Buffer.from(name === 'empty' ? '' : `content of ${name}`);
const digest = (name: string) => `sha256:${createHash('sha256').update(content(name)).digest('hex')}`;

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
  await bench.addWorker('w-1');
  id = (await rest.post('/tasks', { image: 'a' })).body.id;
  await bench.run(id);
  for (const name of FILES) if (name !== 'gone.txt') bench.files.set(`${id}/1/${name}`, content(name));
  // A file that is there without being part of the result is nobody's to fetch.
  bench.files.set(`${id}/1/stray`, Buffer.from('x'));
  const artifacts = FILES.map((path) => ({ path, sizeBytes: content(path).length, digest: digest(path) }));
  await bench.end(id, 0, { artifacts });
});
afterAll(async () => {
  await rest.server.close();
  await bench.close();
});

const get = (name: string, headers: Record<string, string> = {}, query = '') =>
  rest.get(`/tasks/${id}/artifacts/${name.split('/').map(encodeURIComponent).join('/')}${query}`, { headers });

test('the files of a task are listed with size and digest', async () => {
  const { body } = await rest.get(`/tasks/${id}/artifacts`);
  expect(body.items).toEqual(
    FILES.map((path) => ({ path, sizeBytes: content(path).length, digest: digest(path), attempt: 1 })),
  );
});

test.each(FILES.filter((name) => name !== 'gone.txt'))('%s is a download that no browser shows', async (name) => {
  const { status, text, headers } = await get(name);
  expect([status, text]).toEqual([200, content(name).toString()]);
  expect(headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-length': String(content(name).length),
    'accept-ranges': 'bytes',
    etag: `"${digest(name)}"`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  });
  expect(headers['content-disposition']).toMatch(/^attachment; filename="[^"\\]+"(; filename\*=UTF-8''[\w%.~-]+)?$/);
});

test('names with other characters come in both forms', async () => {
  const { headers } = await get('ünïcode "q" \\ (1).bin');
  expect(headers['content-disposition']).toBe(
    `attachment; filename="_n_code _q_ _ (1).bin"; filename*=UTF-8''%C3%BCn%C3%AFcode%20%22q%22%20%5C%20%281%29.bin`,
  );
});

describe('ranges', () => {
  test.each([
    ['bytes=0-6', 'content', '0-6'],
    ['bytes=8-', 'of plain.txt', '8-19'],
    ['bytes=-3', 'txt', '17-19'],
    ['bytes=0-999', 'content of plain.txt', '0-19'],
  ])('%s', async (range, text, where) => {
    const answer = await get('plain.txt', { range });
    expect([answer.status, answer.text]).toEqual([206, text]);
    expect(answer.headers).toMatchObject({
      'content-range': `bytes ${where}/20`,
      'content-length': String(text.length),
    });
  });

  test('beyond the end', async () => {
    for (const range of ['bytes=20-', 'bytes=100-200', 'bytes=-0'])
      expect((await get('plain.txt', { range })).body.error.code).toBe('range_not_satisfiable');
    expect((await get('empty', { range: 'bytes=0-0' })).status).toBe(416);
  });

  test('that can not be read, or of another version, give the whole', async () => {
    for (const range of ['bytes=', 'bytes=-', 'bytes=5-2', 'lines=1-2', 'bytes=0-1,3-4', 'bytes=a-b'])
      expect((await get('plain.txt', { range })).status, range).toBe(200);
    expect((await get('plain.txt', { range: 'bytes=0-1', 'if-range': '"other"' })).status).toBe(200);
    expect((await get('plain.txt', { range: 'bytes=0-1', 'if-range': `"${digest('plain.txt')}"` })).status).toBe(206);
  });

  test('no header makes a range that is not inside of the file', () => {
    for (let size = 0; size < 4; size++)
      for (const header of ['bytes=0-0', 'bytes=-1', 'bytes=1-', 'bytes=2-9', 'bytes=-9', 'bytes=0-']) {
        try {
          const range = readRange(header, size);
          expect(range !== null && range.start >= 0 && range.end <= size && range.start < range.end).toBe(true);
        } catch (error) {
          expect((error as { code: string }).code).toBe('range_not_satisfiable');
        }
      }
  });
});

test.each([
  'stray',
  'nothing',
  '../1/plain.txt',
  'dir',
  'dir/',
  '/plain.txt',
  'PLAIN.TXT',
  'plain.txt\0',
  '..%2f..%2fetc',
])('what the result does not list is not there: %j', async (name) => {
  const { status, body } = await get(name);
  expect(status).toBe(404);
  expect(['artifact_unknown', 'not_found']).toContain(body.error.code);
});

test('a listed file that is lost is answered as such, and a certain attempt can be asked for', async () => {
  expect((await get('gone.txt')).body.error.code).toBe('artifact_unknown');
  expect((await get('plain.txt', {}, '?attempt=1')).status).toBe(200);
  expect((await get('plain.txt', {}, '?attempt=2')).body.error.code).toBe('artifact_unknown');
});
