import type { TaskSubmission } from '@cloudai/api/rest';
import { specProblem } from '@cloudai/engine';
import { describe, expect, test } from 'vitest';
import { Rejected } from './rejected.ts';
import { readSubmission } from './submission.ts';

const read = (rest: Partial<TaskSubmission> = {}) => readSubmission({ image: 'busybox', ...rest }, '', []);

function refusal(rest: Partial<TaskSubmission>, at = ''): { field: unknown; message: string } {
  try {
    readSubmission({ image: 'busybox', ...rest }, at, []);
  } catch (error) {
    if (error instanceof Rejected) return { field: error.details?.field, message: error.message };
    throw error;
  }
  throw new Error('it was accepted');
}

test('what is left out gets its default', () => {
  const spec = read();
  expect(spec).toEqual({
    image: 'busybox',
    command: { kind: 'image' },
    entrypoint: null,
    env: {},
    workingDir: null,
    user: null,
    labels: {},
    request: { cpuMillis: 1000, memoryBytes: 512 * 2 ** 20, storageBytes: 2 ** 30, gpuMillis: 0, custom: {} },
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
    retry: { limit: 0, exitCodes: null, reasons: null, backoffMs: 1_000, factor: 2, maxMs: 300_000 },
    profile: 'standard',
    network: 'bridge',
    pull: 'missing',
    logLimitBytes: 64 * 2 ** 20,
    logPolicy: 'truncate',
  });
  expect(specProblem(spec)).toBeNull();
});

test('amounts and times are read once, into whole units', () => {
  const spec = read({
    resources: { cpu: '250m', memory: 2, storage: '10G', gpu: 0.5, custom: { licence: 2, constructor: 1 } },
    timeout: '1h30m',
    queueTimeout: 90,
    stopGrace: 0,
    deadline: '2027-02-01T00:00:00+01:00',
    logLimit: '1Mi',
    retry: { limit: 3, backoff: '500ms', reasons: ['oom'] },
  });
  expect(spec.request).toEqual({
    cpuMillis: 250,
    memoryBytes: 2 * 2 ** 30,
    storageBytes: 10 * 10 ** 9,
    gpuMillis: 500,
    custom: { licence: 2, constructor: 1 },
  });
  expect(spec).toMatchObject({
    timeoutMs: 5_400_000,
    queueTimeoutMs: 90_000,
    stopGraceMs: 0,
    deadlineAt: Date.UTC(2027, 0, 31, 23),
    logLimitBytes: 2 ** 20,
    retry: { limit: 3, backoffMs: 500, reasons: ['oom'] },
  });
  expect(specProblem(spec)).toBeNull();
});

test('what is asked of the scheduler beside is kept only where it is said', () => {
  expect(read({ preemptible: true, gang: false, gpuModels: [] })).not.toHaveProperty('terms');
  const spec = read({
    gpuModels: ['T4', 'A10'],
    expected: '10m',
    gang: true,
    preemptible: false,
    near: [{ labels: { app: 'db' }, by: 'zone' }],
    apart: [{ labels: { app: 'web' } }],
    spread: [{ labels: { app: 'web' }, by: 'zone' }],
  });
  expect(spec.terms).toEqual({
    gpuModels: ['A10', 'T4'],
    expectedMs: 600_000,
    gang: true,
    preemptible: false,
    near: [{ labels: { app: 'db' }, by: 'zone' }],
    apart: [{ labels: { app: 'web' }, by: null }],
    spread: [{ labels: { app: 'web' }, by: 'zone', maxSkew: 1 }],
  });
  expect(specProblem(spec)).toBeNull();
});

test('a text is a line for the shell, a list is executed as it is, nothing is left to the image', () => {
  expect(read({ command: 'echo "$HOME"' }).command).toEqual({ kind: 'shell', line: 'echo "$HOME"' });
  expect(read({ command: ['echo', '$HOME', ''] }).command).toEqual({ kind: 'exec', args: ['echo', '$HOME', ''] });
  expect(read({ command: '  ' }).command).toEqual({ kind: 'image' });
  expect(read({ command: [] }).command).toEqual({ kind: 'image' });
});

test('the restricted profile has no network unless asked for', () => {
  expect(read({ profile: 'restricted' }).network).toBe('none');
  expect(read({ profile: 'restricted', network: 'bridge' }).network).toBe('bridge');
});

describe('refusals name the field', () => {
  test.each<[Partial<TaskSubmission>, string, RegExp]>([
    [{ image: 'Ubuntu' }, 'image', /"Ubuntu".*ubuntu/],
    [{ resources: { cpu: 'many' } }, 'resources.cpu', /Invalid CPU format: many/],
    [{ resources: { cpu: 0 } }, 'resources.cpu', /must be positive/],
    [{ resources: { memory: '5QiB' } }, 'resources.memory', /5QiB/],
    [{ resources: { memory: '1Mi' } }, 'resources.memory', /at least 6Mi/],
    [{ resources: { storage: '-1' } }, 'resources.storage', /-1/],
    [{ resources: { gpu: 1.5 } }, 'resources.gpu', /whole devices/],
    [{ resources: { custom: { cpu: 1 } } }, 'resources.custom.cpu', /no custom resource/],
    [{ timeout: 'soon' }, 'timeout', /soon/],
    [{ expected: 'never' }, 'expected', /never/],
    [{ gpuModels: ['A10', 'a\0b'] }, 'gpuModels[1]', /zero byte/],
    [{ near: [{ labels: { a: 'b\u0007' } }] }, 'near[0].labels.a', /control/],
    [{ timeout: 0 }, 'timeout', /positive/],
    [{ timeout: '10000d' }, 'timeout', /too long/],
    [{ stopGrace: '2h' }, 'stopGrace', /too long/],
    [{ deadline: '2027-02-31T00:00:00Zx' }, 'deadline', /not a time/],
    [{ retry: { reasons: ['bad luck'] } }, 'retry.reasons', /bad luck is not one of exit_nonzero/],
    [{ retry: { reasons: ['worker_lost'] } }, 'retry.reasons', /worker_lost/],
    [{ logLimit: '1Ti' }, 'logLimit', /64Gi/],
    [{ user: 'root; rm' }, 'user', /user:group/],
    [{ command: 'a\0b' }, 'command', /zero byte/],
    [{ command: ['a', '\ud800'] }, 'command', /Unicode/],
    [{ entrypoint: ['\0'] }, 'entrypoint', /zero byte/],
    [{ workdir: '/\0' }, 'workdir', /zero byte/],
    [{ env: { A: 'a\0b' } }, 'env.A', /zero byte/],
    [{ labels: { a: 'b\n' } }, 'labels.a', /control/],
    [{ selector: { a: '\ud800' } }, 'selector.a', /control/],
  ])('%j', (rest, field, message) => {
    expect(refusal(rest)).toMatchObject({ field, message: expect.stringMatching(message) });
    expect(refusal(rest, 'tasks[3]').field).toBe(`tasks[3].${field}`);
  });

  test('a process must be startable: its arguments and variables are bounded', () => {
    const most = 128 * 1024 - 1;
    expect(read({ command: 'x'.repeat(most) }).command.kind).toBe('shell');
    expect(refusal({ command: `${'x'.repeat(most)}y` }).message).toContain('131072 bytes');
    expect(refusal({ command: 'ü'.repeat(most / 2 + 1) }).field).toBe('command');
    expect(refusal({ command: Array.from({ length: 1000 }, () => 'x'.repeat(200)) }).message).toContain('in all');
    const env = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`V${index}`, 'x'.repeat(4000)]));
    expect(refusal({ env })).toMatchObject({ field: 'env', message: expect.stringContaining('in all') });
  });
});
