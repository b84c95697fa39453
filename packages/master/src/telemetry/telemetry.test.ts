import { expect, test } from 'vitest';
import type { WorkerUsage } from '../context.ts';
import { Bench, START } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';

const QUIET: WorkerUsage = {
  at: START,
  cpu: 0.25,
  memoryBytes: 2 ** 30,
  storageBytes: 0,
  gpu: 0,
  networkRxBytes: 1_000,
  networkTxBytes: 0,
  attempts: [],
};

async function open() {
  const bench = await Bench.open();
  const rest = new RestClient(bench);
  await bench.addWorker('w-1');
  const beat = (usage: Partial<WorkerUsage> = {}) => {
    const whole = { ...QUIET, ...usage, at: bench.now };
    bench.usage.set('w-1', whole);
    bench.context.telemetry.onUsage('w-1', whole);
  };
  const close = async () => {
    await rest.server.close();
    await bench.close();
  };
  return { bench, rest, beat, close };
}

test('a worker shows its last hour, with gaps where it was silent', async () => {
  const { bench, rest, beat, close } = await open();
  for (let minute = 0; minute < 3; minute += 1) {
    for (let second = 0; second < 60; second += 5) {
      beat({ cpu: minute === 1 ? 0.75 : 0.25, networkRxBytes: 1_000 * (minute * 12 + second / 5) });
      await bench.advance(5_000);
    }
    if (minute === 1) await bench.advance(120_000);
  }
  const { status, body } = await rest.get('/workers/w-1/telemetry?from=-5m&step=1m');
  expect(status).toBe(200);
  expect(body.stepMs).toBe(60_000);
  expect(body.at.length).toBe(body.series.cpu.length);
  const cpu = body.series.cpu.filter((value: number | null) => value !== null);
  expect(Math.min(...cpu)).toBeCloseTo(0.25);
  expect(Math.max(...body.max.cpu)).toBeCloseTo(0.75);
  expect(body.series.cpu).toContain(null);
  expect(body.series.networkRxBytesPerSecond).toContain(200);
  expect(body.series.runningTasks.filter(Boolean)).toEqual([]);
  await close();
});

test('the newest of all workers, one row each', async () => {
  const { rest, beat, bench, close } = await open();
  await bench.addWorker('w-2');
  beat({ cpu: 0.5 });
  const { body } = await rest.get('/telemetry');
  expect(body).toMatchObject({
    workers: ['w-1', 'w-2'],
    at: [bench.now, null],
    series: { cpu: [0.5, null], memoryBytes: [2 ** 30, null], networkRxBytesPerSecond: [null, null] },
  });
  await close();
});

test('the cluster: capacity, held, used, queue and what happened in each step', async () => {
  const { bench, rest, beat, close } = await open();
  bench.loop.onCommitted((changes) => bench.context.telemetry.onCommitted(changes));
  const first = await rest.post('/tasks', { image: 'busybox', resources: { cpu: 2 } });
  await bench.run(first.body.id);
  await rest.post('/tasks', { image: 'busybox', resources: { cpu: 7 } });
  await bench.advance(5_000);
  beat({ cpu: 0.5 });
  bench.context.telemetry.sample(5_000, (id) => bench.usage.get(id) ?? null);
  await bench.end(first.body.id, 1);
  await bench.advance(5_000);
  bench.context.telemetry.sample(0, (id) => bench.usage.get(id) ?? null);
  const { body } = await rest.get('/telemetry/cluster?from=-1m&step=5s');
  const newest = (name: string) => body.series[name].filter((value: unknown) => value !== null);
  expect(newest('cpuMillisTotal')[0]).toBe(8_000);
  expect(newest('cpuMillisAllocated')[0]).toBe(2_000);
  expect(newest('cpuMillisUsed')[0]).toBe(4_000);
  expect(newest('oldestWaitMs')[0]).toBe(5_000);
  const total = (name: string) => newest(name).reduce((sum: number, value: number) => sum + value, 0);
  expect([total('submitted'), total('started'), total('failed'), total('completed')]).toEqual([2, 1, 1, 0]);

  await bench.addUser('ann', 'user', ['red']);
  const seen = (await rest.get('/telemetry/cluster?from=-1m&step=5s', { user: 'ann' })).body;
  expect(seen.series.cpuMillisTotal).toEqual(body.series.cpuMillisTotal);
  expect(new Set(seen.series.submitted)).toEqual(new Set([null]));
  await close();
});

test('a task shows what each attempt used, and how much of what was asked for', async () => {
  const { bench, rest, beat, close } = await open();
  const { body: task } = await rest.post('/tasks', { image: 'busybox', resources: { cpu: 2, memory: '1Gi' } });
  await bench.run(task.id);
  const usage = (cpuMicros: number, memoryBytes: number) => ({
    taskId: task.id,
    attempt: 1,
    cpuMicros,
    cpuMillis: 1_000,
    memoryBytes,
    memoryPeakBytes: memoryBytes,
    storageBytes: 100,
    networkRxBytes: cpuMicros / 1_000,
    networkTxBytes: 0,
    paused: false,
  });
  for (let beats = 0; beats < 4; beats += 1) {
    beat({ attempts: [usage(beats * 5_000_000, 2 ** 28 * (beats === 2 ? 2 : 1))] });
    await bench.advance(5_000);
  }
  const { body } = await rest.get(`/tasks/${task.id}/telemetry?step=5s`);
  expect(body).toMatchObject({ taskId: task.id, attempt: 1, requested: { cpuMillis: 2_000 }, stepMs: 5_000 });
  expect(body.series.cpuMillis.slice(0, 4)).toEqual([1_000, 1_000, 1_000, 1_000]);
  expect(body.series.networkRxBytesPerSecond.slice(0, 4)).toEqual([null, 1_000, 1_000, 1_000]);
  expect(body.series.gpu).toEqual(body.at.map(() => null));

  await bench.end(task.id, 0, { startedAt: bench.now - 20_000, cpuMillisSeconds: 20_000, peakMemoryBytes: 2 ** 29 });
  const efficiency = (await rest.get(`/tasks/${task.id}/efficiency`)).body;
  expect(efficiency.attempts).toHaveLength(1);
  expect(efficiency.attempts[0]).toMatchObject({
    attempt: 1,
    state: 'succeeded',
    wallMs: 20_000,
    cpuMs: 20_000,
    cpuEfficiency: 0.5,
    memoryPeakBytes: 2 ** 29,
    memoryEfficiency: 0.5,
    storagePeakBytes: 100,
  });
  await close();
});

test('a worker speaks for its own attempts only', async () => {
  const { bench, rest, close } = await open();
  const { body: task } = await rest.post('/tasks', { image: 'busybox' });
  await bench.run(task.id);
  const attempts = [
    {
      taskId: task.id,
      attempt: 1,
      cpuMicros: 1,
      cpuMillis: 1,
      memoryBytes: 1,
      memoryPeakBytes: 1,
      storageBytes: 1,
      networkRxBytes: 1,
      networkTxBytes: 1,
      paused: false,
    },
  ];
  bench.context.telemetry.onUsage('w-evil', { ...QUIET, at: bench.now, attempts });
  expect((await rest.get(`/tasks/${task.id}/efficiency`)).body.attempts[0].memoryPeakBytes).toBe(null);
  await close();
});

test('a range that makes no sense is refused with what was asked', async () => {
  const { rest, close } = await open();
  const messageOf = async (query: string) => {
    const { status, body } = await rest.get(`/telemetry/cluster${query}`);
    expect(status, query).toBe(400);
    return body.error.message;
  };
  expect(await messageOf('?from=yesterday')).toContain('yesterday');
  expect(await messageOf('?from=-1h&to=-2h')).toContain('is after the end');
  expect(await messageOf('?from=-30d&step=1s')).toContain('2592000 steps were asked for, at most 5000');
  expect(await messageOf('?step=10ms')).toContain('shortest step');
  expect((await rest.get('/workers/nobody/telemetry')).body.error.code).toBe('worker_unknown');
  await close();
});
