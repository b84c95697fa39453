import type { TaskDetail } from '@cloudai/sdk';
import { expect, test } from 'vitest';
import { submissionOf } from './from-spec.ts';
import { bytesQuantity, coresQuantity, durationQuantity } from './quantity.ts';

const spec = {
  image: 'busybox',
  command: { kind: 'shell', line: 'echo hi' },
  entrypoint: null,
  env: {},
  workingDir: null,
  user: null,
  labels: {},
  request: { cpuMillis: 500, memoryBytes: 512 * 2 ** 20, storageBytes: 2 ** 30, gpuMillis: 0, custom: {} },
  targetWorker: null,
  selector: {},
  priority: 50,
  deadlineAt: null,
  startAfter: null,
  dependsOn: [],
  timeoutMs: null,
  queueTimeoutMs: null,
  stopSignal: null,
  stopGraceMs: 10_000,
  retry: { limit: 0, exitCodes: null, reasons: null, backoffMs: 1000, factor: 2, maxMs: 300_000 },
  profile: 'standard',
  network: 'bridge',
  pull: 'missing',
  logLimitBytes: 64 * 2 ** 20,
  logPolicy: 'truncate',
};
const detail = (changes: object, name: string | null = null) =>
  ({ task: { name }, spec: { ...spec, ...changes } }) as unknown as TaskDetail;

test('defaults are left out', () => {
  expect(submissionOf(detail({}))).toEqual({
    image: 'busybox',
    command: 'echo hi',
    resources: { cpu: '500m', memory: '512Mi', storage: '1Gi' },
    priority: 50,
  });
});

test('everything else is written as one would', () => {
  const changes = {
    command: { kind: 'exec', args: ['a', 'b'] },
    timeoutMs: 5_400_000,
    retry: { ...spec.retry, limit: 3, exitCodes: [75] },
    profile: 'restricted',
    network: 'none',
    deadlineAt: Date.UTC(2026, 10, 22),
    request: { ...spec.request, gpuMillis: 1000, custom: { licence: 1 } },
  };
  expect(submissionOf(detail(changes, 'train'))).toMatchObject({
    name: 'train',
    command: ['a', 'b'],
    timeout: '90m',
    retry: { limit: 3, exitCodes: [75], backoff: '1s', factor: 2, maxBackoff: '5m' },
    profile: 'restricted',
    deadline: '2026-11-22T00:00:00.000Z',
    resources: { gpu: '1', custom: { licence: 1 } },
  });
  expect(submissionOf(detail(changes))).not.toHaveProperty('network');
});

test('quantities are exact', () => {
  expect([1000, 1500, 1].map(coresQuantity)).toEqual(['1', '1500m', '1m']);
  expect([2 ** 30, 1536 * 2 ** 20, 1025, 1].map(bytesQuantity)).toEqual([
    '1Gi',
    '1536Mi',
    '1.0009765625Ki',
    '0.0009765625Ki',
  ]);
  expect([90_000, 3_600_000, 1_500, 172_800_000].map(durationQuantity)).toEqual(['90s', '1h', '1500ms', '2d']);
});
