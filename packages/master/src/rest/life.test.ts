import { mkdir } from 'node:fs/promises';
import https from 'node:https';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { Authority } from '../identity/authority.ts';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';
import { startRest } from './index.ts';

let bench: Bench;
afterEach(() => bench.close());

test('at shutdown followers are told to come back, and new requests are refused in order', async () => {
  bench = await Bench.open();
  await bench.addWorker('w-1');
  const rest = await startRest(bench.context, { host: '127.0.0.1', port: 0 });
  const headers = { authorization: `Bearer ${bench.tokens.get('admin')}`, 'content-type': 'application/json' };
  const submitted = await fetch(`${rest.url}/api/v1/tasks`, { method: 'POST', headers, body: '{"image":"busybox"}' });
  const { id } = (await submitted.json()) as { id: string };
  await bench.run(id);
  await bench.log(id, 'half of\n');
  const followed = await fetch(`${rest.url}/api/v1/tasks/${id}/logs?follow=true`, { headers });
  const body = followed.body!.pipeThrough(new TextDecoderStream()).getReader();
  const first = await body.read();
  const bytes = await fetch(`${rest.url}/api/v1/tasks/${id}/logs?follow=true&format=text`, { headers });
  const started = performance.now();
  await rest.close();
  expect(performance.now() - started).toBeLessThan(3_000);
  let text = first.value ?? '';
  for (let chunk = await body.read(); !chunk.done; chunk = await body.read()) text += chunk.value;
  expect(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { kind: 'data', text: 'half of\n' },
    { kind: 'interrupted', message: expect.stringContaining('stopping') },
  ]);
  // Where there is no place for a hint, the transfer is not whole.
  await expect(bytes.arrayBuffer()).rejects.toThrow();
  await expect(fetch(`${rest.url}/health`)).rejects.toThrow();
});

test('without TLS it listens on loopback only', async () => {
  bench = await Bench.open();
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com', '128.0.0.1', '::ffff:10.0.0.1', ''])
    await expect(startRest(bench.context, { host, port: 0 }), host).rejects.toThrow('without TLS');
});

describe('with TLS', () => {
  async function authority(): Promise<Authority> {
    const directory = path.join(bench.directory, 'identity');
    await mkdir(directory);
    await Authority.create(directory, 'bench', Date.now());
    return await Authority.load(directory, 'bench');
  }

  function get(url: string, ca: string): Promise<{ status: number | undefined; serial: string }> {
    return new Promise((resolve, reject) => {
      https
        .get(`${url}/health`, { ca, agent: false }, (response) => {
          const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
          response.resume().on('end', () => resolve({ status: response.statusCode, serial: serialNumber }));
        })
        .on('error', reject);
    });
  }

  test('it listens with the certificate of the cluster, and takes a renewed one while it runs', async () => {
    bench = await Bench.open();
    const ca = await authority();
    const rest = await startRest(bench.context, {
      host: '127.0.0.1',
      port: 0,
      tls: await ca.issueServer([], Date.now()),
    });
    expect(rest.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const first = await get(rest.url, ca.rootPem);
    expect(first.status).toBe(200);
    rest.setCredentials(await ca.issueServer([], Date.now()));
    const second = await get(rest.url, ca.rootPem);
    expect(second.serial).not.toBe(first.serial);
    await expect(fetch(`${rest.url}/health`)).rejects.toThrow();
    await rest.close();
  });
});

describe('a master that can not do what was asked', () => {
  test('says that its disk is full, and goes on reading and cancelling', async () => {
    bench = await Bench.open();
    const rest = new RestClient(bench);
    const { body } = await rest.post('/tasks', { image: 'a' });
    const health = bench.store.health();
    Object.assign(bench.store, { health: () => ({ ...health, state: 'full' }) });
    const refused = await rest.post('/tasks', { image: 'a' });
    expect(refused.status).toBe(503);
    expect(refused.body.error.code).toBe('store_full');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const ready = await rest.send('GET', '/ready', { user: null });
    expect([ready.status, ready.body.reasons]).toEqual([503, ['the disk of the data directory is full']]);
    expect((await rest.get('/cluster')).body.store.full).toBe(true);
    expect((await rest.post(`/tasks/${body.id}/cancel`)).body.state).toBe('cancelled');
    Object.assign(bench.store, { health: () => health });
    expect((await rest.post('/tasks', { image: 'a' })).status).toBe(201);
    await rest.server.close();
  });

  test('says that it stops, or that its store is gone, and writes the latter down', async () => {
    bench = await Bench.open();
    const rest = new RestClient(bench);
    await bench.loop.stop();
    const stopped = await rest.post('/tasks', { image: 'a' });
    expect([stopped.status, stopped.body.error.code]).toEqual([503, 'unavailable']);
    expect(rest.failures).toEqual([]);
    await bench.store.close();
    const gone = await rest.get('/tasks');
    expect([gone.status, gone.body.error.code]).toEqual([503, 'unavailable']);
    const ready = await rest.send('GET', '/ready', { user: null });
    expect([ready.status, ready.body.reasons]).toEqual([503, ['the store can not be read']]);
    expect(rest.failures).toHaveLength(1);
    await rest.server.close();
  });

  test('a defect is answered without its inside, which is in the log under the request id', async () => {
    bench = await Bench.open();
    const rest = new RestClient(bench);
    Object.assign(bench.usage, {
      get() {
        throw new Error('secret of the inside');
      },
    });
    await bench.addWorker('w-1');
    const answer = await rest.get('/workers');
    expect([answer.status, answer.body.error.code]).toEqual([500, 'internal']);
    expect(answer.text).not.toContain('secret');
    expect(rest.failures).toMatchObject([
      { requestId: answer.body.error.requestId, err: { message: 'secret of the inside' } },
    ]);
    await rest.server.close();
  });
});
