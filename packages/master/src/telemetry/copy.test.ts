import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ArchiveFile } from './archive-file.ts';
import { encodeMinutes } from './blocks.ts';
import { copyTelemetry } from './copy.ts';
import { WORKER_FIELDS } from './fields.ts';

const START = Date.UTC(2027, 0, 31, 12);
const LIMITS = { keepMs: 86_400_000, maxBytes: 2 ** 30 };
const fail = (message: string) => {
  throw new Error(message);
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cloudai-copy-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a copy has what was written before it, while the master goes on writing', async () => {
  const [from, to] = [path.join(folder, 'telemetry.db'), path.join(folder, 'copy.db')];
  const archive = new ArchiveFile(from, LIMITS, fail);
  const row = Float32Array.from(WORKER_FIELDS.names, () => 1);
  const put = (at: number) => archive.putMinute(at, encodeMinutes([{ source: 'w-1', weight: 1, mean: row, max: row }]));
  for (let minute = 0; minute < 90; minute += 1) put(START + minute * 60_000);
  expect(await copyTelemetry(from, to)).toBe(true);
  put(START + 90 * 60_000);
  archive.close();
  const copy = new ArchiveFile(to, LIMITS, fail);
  expect(copy.minutes('w-1', WORKER_FIELDS, START, START + 86_400_000, 60_000)).toHaveLength(90);
  copy.close();
});

test('what is not there, or can not be read, fails no backup', async () => {
  expect(await copyTelemetry(path.join(folder, 'none.db'), path.join(folder, 'copy.db'))).toBe(false);
  writeFileSync(path.join(folder, 'noise.db'), Buffer.alloc(9_999, 'x'));
  expect(await copyTelemetry(path.join(folder, 'noise.db'), path.join(folder, 'copy.db'))).toBe(false);
});
