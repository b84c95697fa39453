// The file of old measurements: what is put comes back, in any resolution; damage costs the charts and nothing else.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CLUSTER, type Minute } from './archive.ts';
import { ArchiveFile, type ArchiveLimits } from './archive-file.ts';
import { AttemptHistory } from './attempt-series.ts';
import { decodeAttempt, decodeMinutes, encodeAttempt, encodeMinutes, Hour } from './blocks.ts';
import { CLUSTER_FIELDS, rowOf, WORKER_FIELDS } from './fields.ts';

const START = Date.UTC(2027, 0, 31, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LIMITS: ArchiveLimits = { keepMs: 30 * 24 * HOUR, maxBytes: 2 ** 30 };

let folder: string;
let damages: string[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cloudai-telemetry-'));
  damages = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = () => path.join(folder, 'telemetry.db');
const open = (limits: Partial<ArchiveLimits> = {}) =>
  new ArchiveFile(file(), { ...LIMITS, ...limits }, (message) => damages.push(message));

function minute(source: string, cpu: number, weight = 12): Minute {
  const row = Float32Array.from(rowOf(WORKER_FIELDS, { cpu, memoryBytes: 1_000 * cpu }));
  return { source, weight, mean: row, max: row.map((value) => 2 * value) };
}

function cluster(submitted: number): Minute {
  const row = Float32Array.from(rowOf(CLUSTER_FIELDS, { submitted, queueDepth: 7 }));
  return { source: CLUSTER, weight: 12, mean: row, max: row };
}

/** `hours` of minutes of these workers, whose CPU is the number of the minute / 1000. */
function fill(archive: ArchiveFile, hours: number, workers: readonly string[], from = START): number {
  let at = from;
  for (let index = 0; index < hours * 60; index += 1, at += MINUTE)
    archive.putMinute(at, encodeMinutes([cluster(2), ...workers.map((id) => minute(id, (index % 60) / 1000))]));
  return at;
}

test('minutes come back after a restart, from finished hours and from the one that goes on', () => {
  const archive = open();
  const end = fill(archive, 2.5, ['w-1', 'w-2']);
  archive.close();
  const again = open();
  const points = again.minutes('w-2', WORKER_FIELDS, START, end, MINUTE);
  expect(points.map(({ at }) => at)).toEqual(Array.from({ length: 150 }, (_, index) => START + index * MINUTE));
  for (const [index, { mean, max, weight }] of points.entries()) {
    expect(mean[0]).toBeCloseTo((index % 60) / 1000, 6);
    expect(max[1]).toBeCloseTo(2 * (index % 60), 4);
    expect(mean[3]).toBeNaN();
    expect(weight).toBe(12);
  }
  expect(again.minutes('w-3', WORKER_FIELDS, START, end, MINUTE)).toEqual([]);
  again.close();
});

test('a longer step has the mean, the highest value, and the sum of counts', () => {
  const archive = open();
  const end = fill(archive, 2, ['w-1']);
  const [first, second, ...rest] = archive.minutes('w-1', WORKER_FIELDS, START, end, HOUR);
  expect(rest).toEqual([]);
  for (const point of [first!, second!]) {
    expect(point.mean[0]).toBeCloseTo(0.0295, 5);
    expect(point.max[0]).toBeCloseTo(0.118, 5);
  }
  const column = CLUSTER_FIELDS.names.indexOf('submitted');
  const sums = archive.minutes(CLUSTER, CLUSTER_FIELDS, START, end, HOUR).map(({ mean }) => mean[column]);
  expect(sums).toEqual([120, 120]);
  archive.close();
});

test('both halves of a minute that a restart cut in two count', () => {
  const archive = open();
  archive.putMinute(START, encodeMinutes([minute('w-1', 0.1, 4), cluster(1)]));
  archive.putMinute(START, encodeMinutes([minute('w-1', 0.4, 8), cluster(2)]));
  const look = () => ({
    cpu: archive.minutes('w-1', WORKER_FIELDS, START, START + MINUTE, MINUTE).map(({ mean }) => mean[0]),
    submitted: archive
      .minutes(CLUSTER, CLUSTER_FIELDS, START, START + MINUTE, MINUTE)
      .map(({ mean }) => mean[CLUSTER_FIELDS.names.indexOf('submitted')]),
  });
  const before = look();
  expect(before.cpu[0]).toBeCloseTo(0.3, 5);
  expect(before.submitted).toEqual([3]);
  fill(archive, 1, ['w-1'], START + HOUR);
  const after = look();
  expect(after.cpu[0]).toBeCloseTo(0.3, 5);
  expect(after.submitted).toEqual([3]);
  archive.close();
});

test('a clock that jumps leaves a gap, and one that went back adds to the hour that was over', () => {
  const archive = open();
  fill(archive, 1, ['w-1']);
  fill(archive, 1, ['w-1'], START + 5 * HOUR);
  archive.putMinute(START + 30 * MINUTE, encodeMinutes([minute('w-1', 0.9, 12)]));
  fill(archive, 1, ['w-1'], START + 6 * HOUR);
  const points = archive.minutes('w-1', WORKER_FIELDS, START, START + 8 * HOUR, HOUR);
  expect(points.map(({ at }) => (at - START) / HOUR)).toEqual([0, 5, 6]);
  expect(points[0]!.max[0]).toBeCloseTo(1.8, 5);
  archive.close();
});

test('what is older than the limit goes', () => {
  const archive = open({ keepMs: 3 * HOUR });
  const end = fill(archive, 10, ['w-1']);
  const [oldest] = archive.minutes('w-1', WORKER_FIELDS, START, end, MINUTE);
  expect(oldest!.at).toBe(end - 4 * HOUR);
  archive.close();
});

test('the file stays below its size: the oldest goes first', () => {
  const maxBytes = 200_000;
  const archive = open({ maxBytes });
  const workers = Array.from({ length: 50 }, (_, index) => `w-${index}`);
  const end = fill(archive, 12, workers);
  const points = archive.minutes('w-1', WORKER_FIELDS, START, end, HOUR);
  expect(points.length).toBeGreaterThan(1);
  expect(points[0]!.at).toBeGreaterThan(START);
  expect(points.at(-1)!.at).toBe(end - HOUR);
  // Rows of the hour that goes on are beside the limit.
  expect(archive.info().sizeBytes).toBeLessThan(maxBytes + 50 * 60 * 80 * 2);
  archive.close();
});

test('attempts are kept until their task is removed', () => {
  const archive = open();
  const history = new AttemptHistory();
  for (let index = 0; index < 1_000; index += 1) history.put(START + index * 5_000, usage(index));
  const series = history.stored();
  archive.putAttempts([
    { taskId: 'aaaa', attempt: 1, series },
    { taskId: 'aaaa', attempt: 2, series },
    { taskId: 'bbbb', attempt: 1, series },
  ]);
  archive.close();
  const again = open();
  expect(again.attempt('aaaa', 2)).toEqual(series);
  again.remove('aaaa');
  expect([again.attempt('aaaa', 1), again.attempt('aaaa', 2)]).toEqual([null, null]);
  expect(again.attempt('bbbb', 1)?.totals).toEqual(series.totals);
  again.close();
});

test.each([
  ['noise', Buffer.alloc(100_000, 'x')],
  ['nothing but a header', Buffer.from('SQLite format 3\0')],
])('a file of %s is moved aside, and charts begin anew', (_what, content) => {
  writeFileSync(file(), content);
  const archive = open();
  fill(archive, 1, ['w-1']);
  expect(archive.minutes('w-1', WORKER_FIELDS, START, START + HOUR, HOUR)).toHaveLength(1);
  expect(damages).toHaveLength(1);
  expect(damages[0]).toContain('charts begin anew');
  archive.close();
  expect(readdirSync(folder).filter((name) => name.includes('.damaged-'))).toHaveLength(1);
});

test('damage that is found while it runs costs the charts, not the next write; one damaged file is kept', () => {
  for (let round = 0; round < 2; round += 1) {
    const archive = open();
    fill(archive, 3, ['w-1', 'w-2']);
    archive.close();
    const { size } = statSync(file());
    const bytes = Buffer.alloc(size, 0xa5);
    // The header stays, so that only reading the pages shows it.
    writeFileSync(file(), Buffer.concat([readHeader(), bytes.subarray(100)]));
    const damaged = open();
    expect(damaged.minutes('w-1', WORKER_FIELDS, START, START + 3 * HOUR, HOUR)).toEqual([]);
    fill(damaged, 1, ['w-1']);
    expect(damaged.minutes('w-1', WORKER_FIELDS, START, START + HOUR, HOUR)).toHaveLength(1);
    damaged.close();
    expect(damages).toHaveLength(round + 1);
    expect(readdirSync(folder).filter((name) => /damaged-\d+$/.test(name))).toHaveLength(1);
  }
});

test('a block that was damaged under a running master costs the charts, and what comes next is kept', () => {
  const archive = open();
  const end = fill(archive, 2, ['w-1']);
  const other = new (process.getBuiltinModule('node:sqlite').DatabaseSync)(file());
  other.exec("UPDATE hour SET data = x'00ff00ff'");
  other.close();
  expect(archive.minutes('w-1', WORKER_FIELDS, START, end, HOUR)).toEqual([]);
  expect(damages).toHaveLength(1);
  const after = fill(archive, 1, ['w-1'], end);
  expect(archive.minutes('w-1', WORKER_FIELDS, START, after, HOUR).map(({ at }) => at)).toEqual([end]);
  archive.close();
});

test('a file of another program or of a newer version is not written to', () => {
  const foreign = open();
  foreign.close();
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const db = new DatabaseSync(file());
  db.exec('PRAGMA user_version = 99');
  db.close();
  open().close();
  expect(damages[0]).toContain('schema 99');
});

test('blocks hold what was put in, whatever it is', () => {
  const number = fc.oneof(fc.float({ noNaN: false }), fc.constant(Number.NaN));
  const rows = fc.array(
    fc.record({
      source: fc.string({ unit: 'grapheme', maxLength: 20 }),
      weight: fc.integer({ min: 1, max: 65_535 }),
      mean: fc.array(number, { minLength: 7, maxLength: 7 }).map((values) => Float32Array.from(values)),
      max: fc.array(number, { minLength: 7, maxLength: 7 }).map((values) => Float32Array.from(values)),
    }),
    { maxLength: 10 },
  );
  fc.assert(
    fc.property(rows, (minutes) => {
      const back: Minute[] = [];
      decodeMinutes(encodeMinutes(minutes), null, (each) => back.push(each));
      expect(back).toEqual(minutes.map((each) => ({ ...each, source: Buffer.from(each.source).toString() })));
      const hour = new Hour(7);
      for (const [index, each] of minutes.entries()) hour.add(index, { ...each, weight: 12 }, () => false);
      expect(Hour.decode(hour.encode())).toEqual(hour);
    }),
  );
  const history = new AttemptHistory();
  history.put(START, usage(1));
  expect(decodeAttempt(encodeAttempt(history.stored()))).toEqual(history.stored());
});

function usage(index: number) {
  return {
    taskId: 'aaaa',
    attempt: 1,
    cpuMicros: index * 1_000,
    cpuMillis: 500,
    memoryBytes: index,
    memoryPeakBytes: index,
    storageBytes: 0,
    networkRxBytes: 0,
    networkTxBytes: 0,
    paused: false,
  };
}

function readHeader(): Buffer {
  return process.getBuiltinModule('node:fs').readFileSync(file()).subarray(0, 100);
}
