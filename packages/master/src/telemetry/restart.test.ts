// A whole master with its archive in a thread: charts survive its restart, and a damaged file costs the charts alone.
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { workerWire as wire } from '@cloudai/api';
import { expect, test } from 'vitest';
import type { FakeSession } from '../testing/index.ts';
import { eventually, TestMaster } from '../testing/test-master.ts';
import { readRange } from './range.ts';
import { ThreadArchive } from './thread-archive.ts';

const PATIENCE_MS = 60_000;

function beat(session: FakeSession, taskId: string | null, cpu: number): void {
  const attempts = taskId === null ? [] : [{ key: { taskId, attempt: 1 }, cpuMillis: 700n, memoryBytes: 500n }];
  session.heartbeat({ usage: { cpu, memoryBytes: 1_000n }, attempts } as MessageInitShape<typeof wire.HeartbeatSchema>);
}

function lastHour(master: TestMaster) {
  const now = master.handle.context.now();
  return readRange({ step: '1m' }, now, { from: now - 3_600_000, to: now });
}

async function cpuOf(master: TestMaster, worker: string): Promise<number[]> {
  const { series } = await master.handle.context.telemetry.worker(worker, lastHour(master));
  return series.cpu!.filter((value) => value !== null);
}

test(
  'what was measured before a restart is on the charts after it, of workers and of running tasks',
  async () => {
    const master = await TestMaster.start({ telemetry: {} });
    const worker = await master.join('w-1');
    const session = await worker.connect();
    const id = await master.submitTask();
    const { key } = await session.next('assign');
    session.report(key!, { case: 'starting', value: { progress: '' } });
    session.report(key!, { case: 'running', value: { startedAt: 1n, containerId: 'c', imageDigest: '' } });
    await eventually('it runs', () => master.attempt(id)?.state === 'running');
    beat(session, id, 0.5);
    await eventually('it is measured', async () => (await cpuOf(master, 'w-1')).length > 0);
    await master.restart();

    expect((await cpuOf(master, 'w-1'))[0]).toBeCloseTo(0.5, 5);
    const { context } = master.handle;
    const { series } = await context.telemetry.attempt(id, 1, lastHour(master));
    expect(series.cpuMillis!.filter((value) => value !== null)).toEqual([700]);
    expect((await context.telemetry.totals(id, 1))?.memoryPeakBytes).toBe(500);

    // The attempt goes on, and so does its history.
    worker.disconnect();
    const again = await worker.connect({
      found: [{ key: { taskId: id, attempt: 1 }, phase: 'running', startedAt: 1n }],
    } as never);
    await eventually('its samples follow those of before', async () => {
      beat(again, id, 0.25);
      const found = await context.telemetry.attempt(id, 1, lastHour(master));
      return (found.max.memoryBytes ?? []).includes(500) && (await context.telemetry.totals(id, 1)) !== null;
    });
    worker.disconnect();
    await master.close();
  },
  PATIENCE_MS,
);

test(
  'a damaged file is moved aside with an error in the log, and the master does not mind',
  async () => {
    const first = await TestMaster.start({ telemetry: {} });
    writeFileSync(path.join(first.directory, 'telemetry.db'), Buffer.alloc(50_000, 'x'));
    await first.restart();
    const id = await first.submitTask();
    expect(await first.handle.context.telemetry.totals(id, 1)).toBe(null);
    expect(readdirSync(first.directory).filter((name) => name.includes('telemetry.db.damaged-'))).toHaveLength(1);
    expect(first.task(id)?.id).toBe(id);
    await first.close();
  },
  PATIENCE_MS,
);

test(
  'on a full disk nothing is written, and said once; a folder that takes no file costs the charts alone',
  async () => {
    const said: string[] = [];
    let full = true;
    const archive = new ThreadArchive({
      path: '/proc/nowhere/telemetry.db',
      keepMs: 1,
      maxBytes: 1,
      mayWrite: () => !full,
      onError: (message) => said.push(message),
    });
    archive.putMinute(0, []);
    archive.putMinute(60_000, []);
    expect(said).toEqual(['telemetry is not kept: the disk is full; charts have a gap']);
    full = false;
    expect(await archive.attempt('aaaa', 1)).toBe(null);
    expect(said).toHaveLength(2);
    expect(said[1]).toContain('unable to open');
    await archive.close();
  },
  PATIENCE_MS,
);
