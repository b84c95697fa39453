// The way of a real task as OpenTelemetry sees it: master and worker send real OTLP to a receiver of ours, and what
// arrives is one tree.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster, IMAGE } from './cluster.ts';
import { decodeSpans, type ReceivedSpan } from './otlp.ts';
import { until } from './wait.ts';

const received: ReceivedSpan[] = [];
const paths = new Set<string>();
let receiver: Server;
let cluster: Cluster;

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      paths.add(`${request.method} ${request.url} ${request.headers['content-type']}`);
      received.push(...decodeSpans(Buffer.concat(chunks)));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  // One variable for both processes, as an operator would set it.
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = endpoint;
  cluster = new Cluster({ workers: [{ cpu: 2 }] });
  await cluster.start();
});
afterAll(async () => {
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  await cluster.close();
  await new Promise((resolve) => receiver.close(resolve));
});

async function spansOf(taskId: string, names: readonly string[]): Promise<readonly ReceivedSpan[]> {
  const own = () => received.filter(({ attributes }) => attributes['cloudai.task.id'] === taskId);
  await until(() => names.every((name) => own().some((span) => span.name === name)), {
    what: `the spans ${names.join(', ')}; came: ${own().map(({ name }) => name)}`,
  });
  return own();
}

test('one task is one tree, from submit to release, over both processes', async () => {
  const { id } = await cluster.client.submitTask({ image: IMAGE, command: 'sleep 1', resources: { cpu: 0.5 } });
  await cluster.client.waitForTask(id);
  const spans = await spansOf(id, ['task', 'attempt', 'report', 'release', 'run']);
  expect([...paths]).toEqual(['POST /v1/traces application/x-protobuf']);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);

  const [root] = spans.filter(({ parentId }) => parentId === null);
  expect(root).toMatchObject({ name: 'task', service: 'cloudai-master', isError: false });
  expect(root!.attributes).toMatchObject({
    'cloudai.task.state': 'completed',
    'cloudai.image': IMAGE,
    'cloudai.namespace': 'default',
  });
  const below = (parent: ReceivedSpan) =>
    spans.filter(({ parentId }) => parentId === parent.spanId).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  expect(below(root!).map(({ name }) => name)).toEqual(['attempt', 'queue', 'submit']);
  const [attempt, , submit] = below(root!);
  expect(below(submit!).map(({ name }) => name)).toEqual(['admit', 'commit']);
  expect(below(attempt!).map(({ name, service }) => `${service}: ${name}`)).toEqual([
    'cloudai-master: commit',
    'cloudai-worker: create',
    'cloudai-master: dispatch',
    'cloudai-master: place',
    'cloudai-worker: pull',
    'cloudai-master: release',
    'cloudai-worker: report',
    'cloudai-worker: run',
    'cloudai-worker: start',
  ]);
  expect(attempt!.attributes).toMatchObject({ 'cloudai.attempt': 1, 'cloudai.worker.id': 'worker-1' });

  const run = below(attempt!).find(({ name }) => name === 'run')!;
  expect(run.endedAt - run.startedAt).toBeGreaterThan(900);
  for (const span of spans) expect(span.endedAt, span.name).toBeGreaterThanOrEqual(span.startedAt);
  // Both processes run on one clock here; a moment of rounding aside children lie within their parents.
  for (const name of ['pull', 'start', 'run']) {
    const child = below(attempt!).find((span) => span.name === name)!;
    expect(child.startedAt, name).toBeGreaterThan(attempt!.startedAt - 1_000);
    expect(child.endedAt, name).toBeLessThan(attempt!.endedAt + 1_000);
  }
});

test('a task that fails says so in its trace', async () => {
  const failing = await cluster.client.submitTask({ image: IMAGE, command: 'exit 3', resources: { cpu: 0.5 } });
  await cluster.client.waitForTask(failing.id);
  const [root] = (await spansOf(failing.id, ['task'])).filter(({ name }) => name === 'task');
  expect(root).toMatchObject({ isError: true });
  expect(root!.attributes).toMatchObject({ 'cloudai.reason': 'exit_nonzero', 'cloudai.exit_code': 3 });
});
