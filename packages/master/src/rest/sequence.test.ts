import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';

let bench: Bench;
let rest: RestClient;

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
});
afterAll(async () => {
  await rest.server.close();
  await bench.close();
});

test('every read says which event it is at least as new as, so that a timeline can go on from there', async () => {
  const before = Number((await rest.get('/tasks')).headers['x-cloudai-sequence']);
  const { body, headers } = await rest.post('/tasks', { image: 'busybox' });
  expect(headers).not.toHaveProperty('x-cloudai-sequence');
  const after = Number((await rest.get(`/tasks/${body.id}`)).headers['x-cloudai-sequence']);
  expect(after).toBe(bench.engine.cluster().eventSequence);
  const between = await rest.get(`/events?after=${before}`);
  expect(between.body.items).toMatchObject([{ kind: 'task_submitted', taskId: body.id }]);
  expect((await rest.get(`/events?after=${after}`)).body.items).toEqual([]);
});
