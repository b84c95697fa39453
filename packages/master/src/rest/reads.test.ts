// Lists, timelines, the queue, archives, previews and conditional requests.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';

let bench: Bench;
let rest: RestClient;

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
  await bench.addUser('ann', 'user', ['red']);
  await bench.addWorker('w-1', { cpu: 2, memory: 4 });
});
afterAll(async () => {
  await rest.server.close();
  await bench.close();
});

async function submitted(body: object = {}, user = 'admin'): Promise<string> {
  const answer = await rest.post('/tasks', { image: 'busybox:1', ...body }, { user });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.id;
}

const idsOf = (answer: { body: { items: { id: string }[] } }) => answer.body.items.map(({ id }) => id);

describe('lists of tasks', () => {
  test('a search finds by the begin of the id, by name and by image, in either case', async () => {
    const later = { startAfter: '2030-01-01T00:00:00Z' };
    const one = await submitted({ ...later, name: 'Train-Large' });
    const two = await submitted({ ...later, image: 'registry.example/trainer:2' });
    expect(idsOf(await rest.get('/tasks?q=train'))).toEqual([two, one]);
    expect(idsOf(await rest.get('/tasks?q=TRAIN-L'))).toEqual([one]);
    expect(idsOf(await rest.get(`/tasks?q=${two.slice(0, 8)}`))).toEqual([two]);
    expect(idsOf(await rest.get('/tasks?q=train', { user: 'ann' }))).toEqual([]);
  });

  test('the time of the submit narrows it, as a time and as a duration', async () => {
    const later = { startAfter: '2030-01-01T00:00:00Z', labels: { when: 'x' } };
    const first = await submitted(later);
    await bench.advance(60_000);
    const second = await submitted(later);
    const since = new Date(bench.now - 30_000).toISOString();
    expect(idsOf(await rest.get(`/tasks?label=when=x&submittedAfter=${since}`))).toEqual([second]);
    expect(idsOf(await rest.get(`/tasks?label=when=x&submittedBefore=${since}`))).toEqual([first]);
    expect(idsOf(await rest.get('/tasks?label=when=x&submittedBefore=30s'))).toEqual([first]);
    expect((await rest.get('/tasks?submittedAfter=soon')).body.error.message).toContain('submittedAfter');
  });
});

describe('a worker', () => {
  test('has its tasks, in pages, and a timeline', async () => {
    const ids = [];
    for (let index = 0; index < 3; index++) {
      const id = await submitted({ command: 'true' });
      await bench.run(id);
      await bench.end(id);
      ids.push(id);
    }
    const first = await rest.get('/workers/w-1/tasks?limit=2');
    const second = await rest.get(`/workers/w-1/tasks?limit=2&cursor=${first.body.next}`);
    expect([...idsOf(first), ...idsOf(second)]).toEqual(ids.toReversed());
    expect(idsOf(await rest.get('/workers/w-1/tasks?state=failed'))).toEqual([]);
    expect(idsOf(await rest.get('/workers/w-1/tasks', { user: 'ann' }))).toEqual([]);
    const events = await rest.get('/workers/w-1/events?order=newest&limit=2');
    expect(events.body.items).toMatchObject([{ kind: 'task_completed', taskId: ids[2] }, { worker: 'w-1' }]);
    const before = await rest.get(`/workers/w-1/events?order=newest&before=${events.body.next}&limit=1`);
    expect(before.body.items[0].sequence).toBeLessThan(events.body.items[1].sequence);
    expect((await rest.get('/workers/w-9/tasks')).body.error.code).toBe('worker_unknown');
  });

  test('is found by label and by part of its id, in pages', async () => {
    await rest.post('/workers', { id: 'gpu-1', labels: { zone: 'a' } });
    await rest.post('/workers', { id: 'gpu-2', labels: { zone: 'b' } });
    expect(idsOf(await rest.get('/workers?label=zone=a'))).toEqual(['gpu-1']);
    expect(idsOf(await rest.get('/workers?q=gpu'))).toEqual(['gpu-1', 'gpu-2']);
    const page = await rest.get('/workers?limit=2');
    expect(idsOf(page)).toEqual(['gpu-1', 'gpu-2']);
    expect(idsOf(await rest.get(`/workers?limit=2&cursor=${page.body.next}`))).toEqual(['w-1']);
  });
});

test('attempts of a task are listed', async () => {
  const id = await submitted();
  await bench.run(id);
  expect((await rest.get(`/tasks/${id}/attempts`)).body.items).toMatchObject([{ number: 1, state: 'running' }]);
  await bench.end(id);
});

test('events come oldest first after one, or newest first before one', async () => {
  const all = (await rest.get('/events?limit=1000')).body.items.map(({ sequence }: { sequence: number }) => sequence);
  const seen: number[] = [];
  for (let before: string | null = null; ; ) {
    const { body } = await rest.get(`/events?order=newest&limit=7${before === null ? '' : `&before=${before}`}`);
    seen.push(...body.items.map(({ sequence }: { sequence: number }) => sequence));
    if (body.next === null) break;
    before = body.next;
  }
  expect(seen.toReversed()).toEqual(all);
  expect((await rest.get('/events?order=newest&after=3')).body.error.code).toBe('invalid_argument');
  expect((await rest.get('/events?before=3')).body.error.code).toBe('invalid_argument');
});

test('the queue comes in pages, for an admin by position and for a user by what is visible', async () => {
  const ids = [];
  for (let index = 0; index < 5; index++)
    ids.push(await submitted({ resources: { cpu: 64 }, priority: 50 - index }, index % 2 === 0 ? 'admin' : 'ann'));
  const walk = async (user: string) => {
    const found: string[] = [];
    for (let cursor: string | null = null; ; ) {
      const sent = { user };
      const { body } = await rest.get(`/queue?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`, sent);
      expect(body.total).toBe(5);
      found.push(...body.items.map(({ task }: { task: { id: string } }) => task.id));
      if (body.next === null) return found;
      cursor = body.next;
    }
  };
  expect(await walk('admin')).toEqual(ids);
  expect(await walk('ann')).toEqual([ids[1], ids[3]]);
  expect((await rest.get('/queue?cursor=x')).body.error.code).toBe('invalid_argument');
  await rest.post('/tasks/cancel', { ids });
});

describe('a preview', () => {
  test('says that a task would start now, and where', async () => {
    const { status, body } = await rest.post('/tasks/validate', { image: 'busybox', resources: { cpu: '500m' } });
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: true, error: null, namespace: 'default' });
    expect(body.spec).toMatchObject({ image: 'busybox', priority: 50, request: { cpuMillis: 500 } });
    expect(body.wouldStart).toMatchObject({ when: 'now', worker: 'w-1', summary: 'Would start now on w-1' });
    expect(bench.engine.counts().queued).toBe(0);
  });

  test('says what a task would wait for, and whether it ever could start', async () => {
    const blocker = await submitted({ resources: { cpu: 2 } });
    await bench.run(blocker);
    const later = await rest.post('/tasks/validate', { image: 'busybox', resources: { cpu: 2 } });
    expect(later.body.wouldStart).toMatchObject({
      when: 'later',
      worker: null,
      summary: expect.stringContaining('CPU'),
      workers: expect.arrayContaining([expect.objectContaining({ workerId: 'w-1' })]),
    });
    const never = await rest.post('/tasks/validate', { image: 'busybox', resources: { cpu: 500 } });
    expect(never.body.wouldStart).toMatchObject({ when: 'never', advice: expect.any(String) });
    await bench.end(blocker);
  });

  test('says why a submit would be refused, and which field is to blame', async () => {
    const quantity = await rest.post('/tasks/validate', { image: 'busybox', resources: { cpu: 'lots' } });
    expect(quantity.body).toMatchObject({
      accepted: false,
      error: { code: 'invalid_argument', field: 'resources.cpu' },
      spec: null,
      wouldStart: null,
    });
    const target = await rest.post('/tasks/validate', { image: 'busybox', worker: 'w-9' });
    expect(target.body).toMatchObject({ accepted: false, error: { code: 'worker_unknown', field: null } });
    expect(target.body.spec).toMatchObject({ targetWorker: 'w-9' });
    expect((await rest.post('/tasks/validate', { imag: 'busybox' })).status).toBe(400);
    expect((await rest.post('/tasks/validate?namespace=blue', { image: 'busybox' }, { user: 'ann' })).status).toBe(404);
  });
});

describe('a part of a log', () => {
  let id: string;

  beforeAll(async () => {
    id = await submitted();
    await bench.run(id);
    for (const text of ['zero\n', 'one\n', 'two\n', 'three\n']) {
      await bench.log(id, text);
      await bench.log(id, `err ${text}`, 'stderr');
      await bench.advance(10_000);
    }
    await bench.end(id);
    await bench.endLog(id);
  });

  test('by bytes of a stream', async () => {
    const text = async (query: string) => (await rest.get(`/tasks/${id}/logs?format=text&stream=stdout&${query}`)).text;
    const whole = 'zero\none\ntwo\nthree\n';
    expect(await text('')).toBe(whole);
    for (const [from, bytes] of [
      [0, 4],
      [3, 5],
      [9, 100],
      [18, 1],
      [40, 3],
    ] as const) {
      expect(await text(`offset=${from}&bytes=${bytes}`)).toBe(whole.slice(from, from + bytes));
      expect(await text(`offset=${from}`)).toBe(whole.slice(from));
    }
    const [line] = await rest.log(`/tasks/${id}/logs?stream=stdout&offset=6&bytes=2`);
    expect(line).toMatchObject({ kind: 'data', offset: 6, text: 'ne' });
    const found = await rest.log(`/tasks/${id}/logs?stream=stdout&offset=5&bytes=8&regex=o`);
    expect(found.map((one) => ('text' in one ? one.text : one.kind))).toEqual(['one\n', 'two\n', 'end']);
  });

  test('by time, of both ends', async () => {
    const lines = await rest.log(`/tasks/${id}/logs?stream=stdout&since=35s&until=15s`);
    expect(lines.map((one) => ('text' in one ? one.text : one.kind))).toEqual(['one\n', 'two\n', 'end']);
    expect((await rest.get(`/tasks/${id}/logs?until=tomorrow`)).body.error.message).toContain('until');
  });

  test('bytes are those of one stream', async () => {
    expect((await rest.get(`/tasks/${id}/logs?offset=3`)).body.error.message).toContain('stream');
    expect((await rest.get(`/tasks/${id}/logs?stream=stdout&offset=3&tail=2`)).body.error.message).toContain('tail');
  });
});

describe('an archive', () => {
  test('holds every file of the attempt, with long and foreign names, and tar reads it', async () => {
    const id = await submitted();
    await bench.run(id);
    const long = `${'deep/'.repeat(30)}result.json`;
    const files = { 'out.txt': 'abc', [long]: '{}', 'naïve 名.txt': 'x'.repeat(513), 'empty.txt': '' };
    for (const [name, text] of Object.entries(files)) bench.files.set(`${id}/1/${name}`, Buffer.from(text));
    const artifacts = Object.entries(files).map(([name, text]) => ({
      path: name,
      sizeBytes: Buffer.byteLength(text),
      digest: `sha256:${'0'.repeat(64)}`,
    }));
    await bench.end(id, 0, { artifacts });
    const answer = await rest.app.inject({
      url: `/api/v1/tasks/${id}/archive`,
      headers: { host: 'localhost', authorization: `Bearer ${bench.tokens.get('admin')}` },
    });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/x-tar',
      'content-disposition': `attachment; filename="${id}-1.tar"`,
      'content-length': String(answer.rawPayload.length),
    });
    const folder = await mkdtemp(path.join(tmpdir(), 'cloudai-tar-'));
    try {
      const tar = spawnSync('tar', ['-xm', '-C', folder], { input: answer.rawPayload });
      expect([tar.status, tar.stderr.toString()]).toEqual([0, '']);
      for (const [name, text] of Object.entries(files))
        expect(await readFile(path.join(folder, name), 'utf8'), name).toBe(text);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('of a task without files is not found', async () => {
    const id = await submitted({ startAfter: '2030-01-01T00:00:00Z' });
    expect((await rest.get(`/tasks/${id}/archive`)).body.error.code).toBe('artifact_unknown');
  });
});

describe('conditional requests', () => {
  test('what has not changed is not sent again', async () => {
    const id = await submitted({ startAfter: '2030-01-01T00:00:00Z' });
    for (const url of [`/tasks/${id}`, '/workers/w-1', '/tasks?limit=3', '/namespaces']) {
      const first = await rest.get(url);
      const tag = String(first.headers.etag);
      const again = await rest.get(url, { headers: { 'if-none-match': `"other", ${tag}` } });
      expect([url, again.status, again.text]).toEqual([url, 304, '']);
      expect(again.headers).toMatchObject({ etag: tag, 'x-cloudai-sequence': expect.anything() });
      expect((await rest.get(url, { headers: { 'if-none-match': '"other"' } })).text).toBe(first.text);
    }
    const { headers } = await rest.get(`/tasks/${id}`);
    await rest.send('PATCH', `/api/v1/tasks/${id}`, { body: { priority: 70 } });
    expect((await rest.get(`/tasks/${id}`, { headers: { 'if-none-match': String(headers.etag) } })).status).toBe(200);
  });

  test('a change is made only to what was read, if the caller wants that', async () => {
    const id = await submitted({ startAfter: '2030-01-01T00:00:00Z' });
    const patch = (priority: number, match?: string) =>
      rest.send('PATCH', `/api/v1/tasks/${id}`, {
        body: { priority },
        headers: match === undefined ? {} : { 'if-match': match },
      });
    const tag = String((await rest.get(`/tasks/${id}`)).headers.etag);
    expect((await patch(60, tag)).body).toMatchObject({ priority: 60, version: 2 });
    const late = await patch(70, tag);
    expect(late.status).toBe(412);
    expect(late.body.error.code).toBe('precondition_failed');
    expect((await patch(70, '2')).body.priority).toBe(70);
    expect((await patch(80, '*')).body.priority).toBe(80);
    expect((await patch(90)).body.priority).toBe(90);
    expect((await patch(10, 'nonsense')).body.error.code).toBe('invalid_argument');
  });
});
