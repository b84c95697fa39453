import { afterEach, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
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
  await expect(fetch(`${rest.url}/health`)).rejects.toThrow();
});

test('without TLS it listens on loopback only', async () => {
  bench = await Bench.open();
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com', '128.0.0.1', '::ffff:10.0.0.1', ''])
    await expect(startRest(bench.context, { host, port: 0 }), host).rejects.toThrow('without TLS');
});
