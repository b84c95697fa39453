// What real containers use, as charts and as efficiency, over a restart of the master.
import { expect, test } from 'vitest';
import { IMAGE } from './cluster.ts';
import { useCluster } from './use-cluster.ts';
import { until } from './wait.ts';

const cluster = useCluster({ workers: [{ cpu: 2 }] });

/** Burns half a core and holds 40 MiB of its own memory, until it is told to stop. */
const BUSY =
  'data=$(head -c 20000000 /dev/zero | tr "\\\\0" x); head -c 5000000 /dev/zero > /output/big; while :; do :; done';

function known(values: readonly (number | null)[] | undefined): number[] {
  return (values ?? []).filter((value) => value !== null);
}

test('a task shows what it used, while it runs, when it has ended and after a restart of the master', async () => {
  const { id } = await cluster.client.submitTask({
    image: IMAGE,
    command: BUSY,
    resources: { cpu: 0.5, memory: '256Mi', storage: '256Mi' },
  });
  const measured = await until(
    async () => {
      const telemetry = await cluster.client.getTaskTelemetry(id);
      // The first sample has no rate yet.
      const isThere =
        Math.max(...known(telemetry.max.cpuMillis)) > 250 && known(telemetry.series.memoryBytes).length > 0;
      return isThere && telemetry;
    },
    { what: 'a sample of the running task', withinMs: 60_000 },
  );
  expect(measured.requested.cpuMillis).toBe(500);
  // The limit is real: half a core, give or take what one sample is off.
  expect(Math.max(...known(measured.max.cpuMillis))).toBeLessThan(900);
  expect(Math.max(...known(measured.max.memoryBytes))).toBeGreaterThan(15_000_000);

  await cluster.client.cancelTask(id);
  await cluster.client.waitForTask(id);
  const [attempt] = (await cluster.client.getTaskEfficiency(id)).attempts;
  expect(attempt).toMatchObject({ attempt: 1, worker: 'worker-1', state: 'cancelled' });
  expect(attempt!.cpuMs).toBeGreaterThan(300);
  expect(attempt!.cpuEfficiency).toBeGreaterThan(0.1);
  expect(attempt!.cpuEfficiency).toBeLessThan(1.3);
  expect(attempt!.memoryPeakBytes).toBeGreaterThan(15_000_000);
  expect(attempt!.memoryEfficiency).toBeLessThan(1);
  const shown = (await cluster.cli(['task', 'efficiency', id.slice(0, 6)])).stdout;
  expect(shown).toMatch(/CPU: +\d+\.\d% of 0\.5 CPU × \d+s/);
  expect(shown).toMatch(/Memory: +\d+\.\d% of 256\.0 MiB/);

  const before = await cluster.client.getTaskTelemetry(id);
  await cluster.restartMaster('stop');
  const after = await cluster.client.getTaskTelemetry(id);
  expect(after.series).toEqual(before.series);
  expect((await cluster.client.getTaskEfficiency(id)).attempts[0]).toEqual(attempt);
  const worker = await cluster.client.getWorkerTelemetry('worker-1', { from: '-1h', step: '1m' });
  expect(Math.max(...known(worker.max.cpu)), 'from before the restart').toBeGreaterThan(0.1);
  const { series } = await cluster.client.getClusterTelemetry({ from: '-1h', step: '1m' });
  expect(known(series.submitted).reduce((sum, value) => sum + value, 0)).toBe(1);
  expect(known(series.cancelled).reduce((sum, value) => sum + value, 0)).toBe(1);
});
