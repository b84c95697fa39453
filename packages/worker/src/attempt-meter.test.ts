import { expect, test } from 'vitest';
import { AttemptMeter } from './attempt-meter.ts';
import type { ContainerStats } from './runtimes/runtime.ts';
import { ManualClock } from './testing/manual-clock.ts';

const KEY = { taskId: 't', attempt: 1 };

function meterOf(cpuMicros: () => number) {
  const clock = new ManualClock();
  const asked: PromiseWithResolvers<void>[] = [];
  const stats = async (): Promise<ContainerStats> => {
    const gate = Promise.withResolvers<void>();
    asked.push(gate);
    await gate.promise;
    return {
      cpuMicros: cpuMicros(),
      memoryBytes: 1,
      memoryPeakBytes: 1,
      networkRxBytes: 0,
      networkTxBytes: 0,
      paused: false,
    } as ContainerStats;
  };
  const meter = new AttemptMeter(KEY, { clock, runtime: { stats, storageBytes: async () => 0 } });
  const measure = async () => {
    const measuring = meter.measure('c');
    asked.at(-1)!.resolve();
    await measuring;
  };
  return { clock, meter, asked, measure };
}

test('a share of the CPU is not lost when two measurements fall together', async () => {
  let used = 0;
  const { clock, meter, measure } = meterOf(() => used);
  await measure();
  for (const [afterMs, micros] of [
    [1_000, 500_000],
    [3, 0],
    [1_000, 250_000],
    [1, 0],
  ] as const) {
    await clock.advance(afterMs);
    used += micros;
    await measure();
  }
  expect(meter.sample).toMatchObject({ cpuMicros: 750_000, cpuMillis: 249 });
});

test('who asks while a measurement is under way waits for that one', async () => {
  const { meter, asked } = meterOf(() => 1);
  const both = [meter.measure('c'), meter.measure('c')];
  expect(asked).toHaveLength(1);
  asked[0]!.resolve();
  await Promise.all(both);
  const third = meter.measure('c');
  expect(asked).toHaveLength(2);
  asked[1]!.resolve();
  await third;
});
