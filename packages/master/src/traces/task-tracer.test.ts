import * as ids from '@cloudai/api/traces';
import { expect, test } from 'vitest';
import type { BatchFigures } from '../loop.ts';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';
import { openTraces } from './open.ts';
import { TaskTracer } from './task-tracer.ts';

/** A bench whose batches go to a tracer. */
async function open(wants: (traceId: string) => boolean = () => true) {
  const spans: ids.Span[] = [];
  const sink = { wants, add: (span: ids.Span) => spans.push(span), close: async () => {} };
  const make = () => new TaskTracer('c-1', sink, ids);
  const current = { tracer: make() };
  const batches: BatchFigures[] = [];
  const bench = await Bench.open({
    onBatch: (figures) => {
      batches.push(figures);
      current.tracer.onBatch(figures);
    },
  });
  const rest = new RestClient(bench);
  await bench.addWorker('w-1');
  const close = async () => {
    await rest.server.close();
    await bench.close();
  };
  return { bench, rest, spans, close, current, batches, restart: () => (current.tracer = make()) };
}

const names = (spans: readonly ids.Span[], parentId: string | null) =>
  spans
    .filter((span) => span.parentId === parentId)
    .map(({ name }) => name)
    .sort();

test('a task that is tried twice has both attempts in one tree, each span once', async () => {
  const { bench, rest, spans, close } = await open();
  const { body } = await rest.post('/tasks', { image: 'busybox', retry: { limit: 1, backoff: '1s' } });
  await bench.run(body.id);
  await bench.end(body.id, 1);
  await bench.advance(2_000);
  await bench.run(body.id);
  await bench.end(body.id, 0);
  await bench.advance(10_000);
  const [root, ...others] = spans.filter(({ parentId }) => parentId === null);
  expect(others).toEqual([]);
  expect(root).toMatchObject({ name: 'task', error: null, attributes: { 'cloudai.attempts': 2 } });
  expect(names(spans, root!.spanId)).toEqual(['attempt', 'attempt', 'queue', 'queue', 'submit']);
  for (const attempt of [1, 2]) {
    const spanId = ids.attemptSpanId(body.id, attempt);
    expect(names(spans, spanId)).toEqual(['commit', 'dispatch', 'place', 'release']);
  }
  const failed = spans.find(({ spanId }) => spanId === ids.attemptSpanId(body.id, 1));
  expect(failed?.error).not.toBe(null);
  for (const { name, startedAt, endedAt } of spans) expect(endedAt, name).toBeGreaterThanOrEqual(startedAt);
  await close();
});

test('a row that changes once more after its end has no second span', async () => {
  const { bench, rest, spans, close, current, batches } = await open();
  const { body } = await rest.post('/tasks', { image: 'busybox' });
  await bench.run(body.id);
  await bench.end(body.id, 0);
  const count = spans.length;
  const last = batches.findLast(({ rows }) => rows.some(({ kind }) => kind === 'attempt'));
  current.tracer.onBatch(last!);
  expect(spans.length).toBe(count);
  await close();
});

test('a master that was restarted in between finishes the trace from the rows', async () => {
  const { bench, rest, spans, close, restart } = await open();
  const { body } = await rest.post('/tasks', { image: 'busybox' });
  await bench.run(body.id);
  restart();
  await bench.end(body.id, 0);
  const [root] = spans.filter(({ parentId }) => parentId === null);
  expect(root).toMatchObject({ name: 'task', spanId: ids.taskSpanId(body.id) });
  expect(names(spans, root!.spanId)).toContain('attempt');
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([ids.taskTraceId('c-1', body.id)]));
  await close();
});

test('a trace that is not wanted leaves nothing, and its worker is not told to trace', async () => {
  const { bench, rest, spans, close, current } = await open(() => false);
  const { body } = await rest.post('/tasks', { image: 'busybox' });
  await bench.run(body.id);
  await bench.end(body.id, 0);
  expect(spans).toEqual([]);
  expect(current.tracer.traceparent(body.id, 1)).toBe('');
  await close();
});

test('the context of an attempt can be read on the other side; what is none is not', () => {
  const context = { traceId: ids.taskTraceId('c', 't'), spanId: ids.attemptSpanId('t', 1) };
  expect(ids.parseTraceparent(ids.formatTraceparent(context))).toEqual(context);
  const { traceId, spanId } = context;
  for (const bad of [null, '', 'x', `00-${traceId}-${spanId}-00`, `00-${'0'.repeat(32)}-${spanId}-01`])
    expect(ids.parseTraceparent(bad)).toBe(null);
});

test('nothing is opened unless somebody asks for it', async () => {
  const options = { endpoint: null, clusterId: 'c', version: '1' };
  expect(await openTraces({ ...options, env: {} })).toBe(null);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' };
  expect(await openTraces({ ...options, env })).toBe(null);
});
