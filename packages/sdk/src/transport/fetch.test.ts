// The browser's transport: the same client on fetch.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CloudAI } from '../client.ts';
import { aTask, MemoryMaster } from '../testing/index.ts';
import { createTransport } from './fetch.ts';

let master: MemoryMaster;
let client: CloudAI;

beforeEach(async () => {
  master = await MemoryMaster.start();
  client = new CloudAI({
    url: master.url,
    token: master.token,
    transport: createTransport({ ca: null }),
    retry: { limit: 3, baseMs: 1, maxMs: 2 },
  });
});
afterEach(() => master.close());

test('submits are repeated safely', async () => {
  master.failNext('submitTask', 'break-after');
  const { id } = await client.submitTask({ image: 'busybox' });
  expect([...master.tasks.keys()]).toEqual([id]);
});

test('a log is followed over a break, and an early end closes the connection', async () => {
  master.addTask({ task: aTask({ id: 'abc' }) });
  const at = '2026-11-22T12:00:00.000Z';
  for (let index = 0; index < 3; index++) {
    master.append('abc', { kind: 'data', attempt: 1, stream: 'stdout', offset: index * 2, at, text: `${index}\n` });
  }
  master.logCuts.push(1, 2);
  let text = '';
  for await (const record of client.readLogs('abc', { follow: true })) {
    if (record.kind === 'data' && 'text' in record) text += record.text;
    if (text.length === 6) break;
  }
  expect(text).toBe('0\n1\n2\n');
});

test('refusals, silence and aborts are told apart', async () => {
  await expect(client.getTask('nope')).rejects.toMatchObject({ code: 'task_unknown' });
  await expect(client.getVersion({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  await master.close();
  await expect(client.getVersion()).rejects.toMatchObject({ name: 'ConnectionError', kind: 'lost' });
  await master.listen(0);
});
