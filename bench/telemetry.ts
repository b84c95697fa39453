// What keeping measurements costs: a day of heartbeats of many workers, as the master takes them, and what of it reaches
// the disk. Time is played, so the figures are CPU time and bytes and not how fast a day goes by.
//   node bench/telemetry.ts [--workers 500] [--tasks 4] [--hours 24] [--dir /path/on/the/disk/to/measure]
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Engine } from '../packages/engine/src/index.ts';
import type { Minute, TelemetryArchive } from '../packages/master/src/telemetry/archive.ts';
import { type ArchiveFile, ArchiveFile as File } from '../packages/master/src/telemetry/archive-file.ts';
import { AttemptHistory } from '../packages/master/src/telemetry/attempt-series.ts';
import { encodeMinutes } from '../packages/master/src/telemetry/blocks.ts';
import { WORKER_FIELDS } from '../packages/master/src/telemetry/fields.ts';
import { SampleRing } from '../packages/master/src/telemetry/sample-ring.ts';
import { Telemetry } from '../packages/master/src/telemetry/telemetry.ts';
import { printReport } from './report.ts';

const HEARTBEAT_MS = 5_000;
const SAVE_EVERY_MS = 300_000;
const DAY_HOURS = 24;
const START = Date.UTC(2027, 0, 31);

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '500' },
    tasks: { type: 'string', default: '4' },
    hours: { type: 'string', default: '24' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const [workers, tasks, hours] = [Number(values.workers), Number(values.tasks), Number(values.hours)];
const place = mkdtempSync(join(values.dir, 'cloudai-telemetry-'));
try {
  run();
} finally {
  rmSync(place, { recursive: true, force: true });
}

function run(): void {
  const file = new File(join(place, 'telemetry.db'), { keepMs: 30 * 86_400_000, maxBytes: 2 ** 31 }, console.error);
  let disk = 0;
  const onDisk = <T>(work: () => T): T => {
    const before = cpuMs();
    try {
      return work();
    } finally {
      disk += cpuMs() - before;
    }
  };
  let now = START;
  const archive = archiveOf(file, onDisk);
  const telemetry = new Telemetry({ loop: { engine: new Engine() }, archive, now: () => now });
  const histories = Array.from({ length: workers * tasks }, () => new AttemptHistory());
  const before = cpuMs();
  let savedAt = now;
  for (; now < START + hours * 3_600_000; now += HEARTBEAT_MS) {
    for (let worker = 0; worker < workers; worker += 1) telemetry.onUsage(`worker-${worker}`, usageOf(worker, now));
    for (const [index, history] of histories.entries()) history.put(now, attemptOf(index, now));
    if (now - savedAt < SAVE_EVERY_MS) continue;
    savedAt = now;
    onDisk(() =>
      file.putAttempts(
        histories.map((history, index) => ({ taskId: `task${index}`, attempt: 1, series: history.stored() })),
      ),
    );
  }
  const all = cpuMs() - before;
  const { writtenBytes, sizeBytes } = file.info();
  const query = cpuMs();
  const answered = file.minutes('worker-7', WORKER_FIELDS, START, now, 300_000).length;
  const queryMs = cpuMs() - query;
  file.close();
  const beats = (hours * 3_600_000 * workers) / HEARTBEAT_MS;
  const days = hours / DAY_HOURS;
  printReport(`Telemetry of ${workers} workers with ${tasks} tasks each, ${hours} h`, [
    row('heartbeat taken, with its attempts', ((all - disk) * 1000) / beats, 'µs of the master'),
    row('thread of the archive', (disk / (hours * 3_600_000)) * 100, '% of a core'),
    row('written as data', writtenBytes / (hours * 3_600), 'B/s'),
    row('file', statSync(join(place, 'telemetry.db')).size / 2 ** 20 / days, 'MiB a day'),
    row('file, pages in use', sizeBytes / 2 ** 20 / days, 'MiB a day'),
    row('memory of a worker', new SampleRing(WORKER_FIELDS).bytes, 'B'),
    row('memory of an attempt, at most', Math.max(...histories.map(({ bytes }) => bytes)), 'B'),
    row(`a worker's whole time in steps of 5 min (${answered} steps)`, queryMs, 'ms of the thread'),
  ]);
}

function row(what: string, value: number, unit: string) {
  return { what, value, unit };
}

function archiveOf(file: ArchiveFile, onDisk: <T>(work: () => T) => T): TelemetryArchive {
  return {
    putMinute: (at: number, minutes: readonly Minute[]) => onDisk(() => file.putMinute(at, encodeMinutes(minutes))),
    putAttempts: () => {},
    minutes: async () => [],
    attempt: async () => null,
    remove: async () => {},
    sizeBytes: async () => 0,
    close: async () => {},
  };
}

/** Wanders as the load of a machine does. */
function usageOf(worker: number, now: number) {
  const phase = now / 600_000 + worker;
  return {
    at: now,
    cpu: 0.5 + 0.3 * Math.sin(phase) + 0.2 * Math.random(),
    memoryBytes: Math.round(2 ** 34 * (0.5 + 0.2 * Math.sin(phase / 3) + 0.01 * Math.random())),
    storageBytes: 2 ** 38 + Math.floor(now / 60_000) * 4096,
    gpu: 0,
    networkRxBytes: Math.round((now - START) * (1_000 + worker) + 1e6 * Math.random()),
    networkTxBytes: Math.round((now - START) * 500 + 1e6 * Math.random()),
    attempts: [],
  };
}

function attemptOf(index: number, now: number) {
  return {
    taskId: `task${index}`,
    attempt: 1,
    cpuMicros: (now - START) * 500,
    cpuMillis: Math.round(500 + 300 * Math.random()),
    memoryBytes: Math.round(2 ** 28 * (1 + 0.1 * Math.random())),
    memoryPeakBytes: 2 ** 29,
    storageBytes: 4096,
    networkRxBytes: (now - START) * 10,
    networkTxBytes: (now - START) * 5,
    paused: false,
  };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
