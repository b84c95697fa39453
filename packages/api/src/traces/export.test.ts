import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { exportTraces, type Span, taskSpanId, taskTraceId } from './index.ts';

function span(index: number): Span {
  return {
    traceId: taskTraceId('c', `t${index}`),
    spanId: taskSpanId(`t${index}`),
    parentId: null,
    name: 'task',
    startedAt: 1_000,
    endedAt: 2_000,
    attributes: { 'cloudai.attempt': index },
    error: null,
  };
}

const about = { service: 's', version: '1', instance: 'i' };

test('what waits is sent at the end, to the path of traces', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume().on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const sink = exportTraces({ endpoint, ...about, env: {}, delayMs: 60_000 });
  sink.add(span(1));
  await sink.close();
  expect(asked).toEqual(['POST /v1/traces']);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('a receiver that is away costs spans, and at the end a moment', { timeout: 30_000 }, async () => {
  const sink = exportTraces({ endpoint: 'http://127.0.0.1:1', ...about, env: {}, delayMs: 10 });
  for (let index = 0; index < 20_000; index += 1) sink.add(span(index));
  await sink.close();
});

test('a share of the traces is a share of the tasks, whole', () => {
  const sinkWith = (env: Record<string, string>) => exportTraces({ endpoint: 'http://127.0.0.1:1', ...about, env });
  const wanted = (env: Record<string, string>) => {
    const sink = sinkWith(env);
    return Array.from({ length: 2_000 }, (_, index) => sink.wants(span(index).traceId)).filter(Boolean).length;
  };
  expect(wanted({})).toBe(2_000);
  expect(wanted({ OTEL_TRACES_SAMPLER: 'always_off' })).toBe(0);
  const tenth = wanted({ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' });
  expect(tenth).toBeGreaterThan(120);
  expect(tenth).toBeLessThan(280);
});
