import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';
import { Watcher } from '../testing/watcher.ts';

let bench: Bench;
let rest: RestClient;
let url: string;
const open: Watcher[] = [];

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
  url = await rest.app.listen({ host: '127.0.0.1', port: 0 });
  await bench.addUser('ann', 'user', ['default']);
  await bench.addUser('bob', 'user', ['lab']);
  await bench.addWorker('w-1', { cpu: 64, memory: 256 });
});
afterEach(() => {
  for (const watcher of open.splice(0)) watcher.close();
});
afterAll(async () => {
  expect(rest.failures).toEqual([]);
  await rest.server.close();
  await bench.close();
});

async function watch(user = 'admin'): Promise<Watcher> {
  const watcher = await Watcher.open(url, bench.tokens.get(user) ?? user);
  open.push(watcher);
  return watcher;
}

async function submit(user = 'ann', task: object = {}): Promise<string> {
  const { body, text } = await rest.post('/tasks', { image: 'a', ...task }, { user });
  if (body?.id === undefined) throw new Error(text);
  return body.id as string;
}

describe('events', () => {
  test('come as they happen, each once and in order', async () => {
    const watcher = await watch();
    const { sequence } = await watcher.subscribe('events');
    expect((await watcher.next('synced')).sequence).toBe(sequence);
    const id = await submit();
    const first = await watcher.next('event');
    expect(first.event).toMatchObject({ kind: 'task_submitted', taskId: id, sequence: first.sequence });
    expect(first.sequence).toBe(sequence + 1);
    expect((await watcher.next('event')).sequence).toBe(sequence + 2);
  });
});

describe('tasks', () => {
  test('the newest row of each that matches, and which of them do not match any more', async () => {
    const watcher = await watch('ann');
    await watcher.subscribe('tasks', { state: 'running' });
    const id = await submit();
    await bench.run(id);
    expect((await watcher.next('task')).task).toMatchObject({ id, state: 'running', worker: 'w-1' });
    await bench.end(id);
    expect(await watcher.next('left')).toMatchObject({ taskId: id });
  });
});
