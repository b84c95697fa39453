import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { workerWire } from '@cloudai/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OutputDirectories } from './outputs.ts';

const key = { taskId: 'task1', attempt: 1 };
const LIMIT = 1_000_000;

let data: string;
let outputs: OutputDirectories;
let directory: string;

beforeEach(async () => {
  data = await fs.mkdtemp(path.join(os.tmpdir(), 'outputs-test-'));
  outputs = new OutputDirectories(data, () => {});
  await outputs.prepare();
  directory = await outputs.create(key);
});
afterEach(() => fs.rm(data, { recursive: true }));

async function contentOf(open: () => AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of open()) parts.push(part);
  return Buffer.concat(parts).toString();
}

test('the directory is open to every user, and its parent to the worker alone', async () => {
  expect((await fs.stat(directory)).mode & 0o7777).toBe(0o1777);
  expect((await fs.stat(path.dirname(directory))).mode & 0o777).toBe(0o700);
  expect(await outputs.create(key)).toBe(directory);
});

test('links are not followed, neither to files nor to folders, neither in nor out', async () => {
  const secret = path.join(data, 'secret');
  await fs.writeFile(secret, 'secret');
  await fs.mkdir(path.join(directory, 'real'));
  await fs.writeFile(path.join(directory, 'real', 'good'), 'good');
  await fs.symlink(secret, path.join(directory, 'link'));
  await fs.symlink('real', path.join(directory, 'alias'));
  await fs.symlink('..', path.join(directory, 'up'));
  await fs.symlink('nowhere', path.join(directory, 'dangling'));
  const { files, skipped } = await outputs.collect(key, LIMIT);
  expect(files.map((file) => file.path)).toEqual(['real/good']);
  expect(skipped).toMatch(/^not kept from \/output: symbolic links: .* and 1 more$/);
});

test('a file that is replaced by a link after it was listed is not read through it', async () => {
  const secret = path.join(data, 'secret');
  await fs.writeFile(secret, 'secret');
  await fs.writeFile(path.join(directory, 'x'), 'honest');
  const { files } = await outputs.collect(key, LIMIT);
  await fs.rm(path.join(directory, 'x'));
  await fs.symlink(secret, path.join(directory, 'x'));
  await expect(contentOf(files[0]!.open)).rejects.toThrow('ELOOP');
});

test('exactly the bytes that were counted are read', async () => {
  await fs.writeFile(path.join(directory, 'x'), 'twelve bytes');
  const { files } = await outputs.collect(key, LIMIT);
  await fs.appendFile(path.join(directory, 'x'), ' and more');
  expect(await contentOf(files[0]!.open)).toBe('twelve bytes');
  await fs.truncate(path.join(directory, 'x'), 3);
  await expect(contentOf(files[0]!.open)).rejects.toThrow('ended 9 bytes early');
});

test('what does not fit into the limit is left out and said, what fits is kept', async () => {
  for (const name of ['a', 'b', 'c']) await fs.writeFile(path.join(directory, name), Buffer.alloc(400));
  const { files, skipped, overLimit } = await outputs.collect(key, 1_000);
  expect(files).toHaveLength(2);
  expect(overLimit).toBe(true);
  expect(skipped).toContain('more than 1000 bytes in all');
});

test('the names of what is kept fit into one message, however long they are', async () => {
  const folder = path.join(directory, 'd'.repeat(250), 'e'.repeat(250));
  await fs.mkdir(folder, { recursive: true });
  await Promise.all(Array.from({ length: 4_000 }, (_, index) => fs.writeFile(path.join(folder, `${index}`), '')));
  const { files, skipped, overLimit } = await outputs.collect(key, LIMIT);
  const encoded = toBinary(
    workerWire.EndedSchema,
    create(workerWire.EndedSchema, {
      artifacts: files.map((file) => ({
        path: file.path,
        sizeBytes: BigInt(Number.MAX_SAFE_INTEGER),
        digest: `sha256:${'0'.repeat(64)}`,
      })),
      message: skipped ?? '',
    }),
  );
  expect(encoded.byteLength).toBeLessThan(2.1 * 2 ** 20);
  expect(files.length).toBeGreaterThan(3_000);
  expect([overLimit, skipped]).toEqual([true, expect.stringContaining('bytes of file names')]);
});

test('a deep tree ends somewhere', async () => {
  await fs.mkdir(path.join(directory, ...Array.from({ length: 80 }, () => 'd')), { recursive: true });
  const { files, skipped } = await outputs.collect(key, LIMIT);
  expect(files).toEqual([]);
  expect(skipped).toContain('too deep: d/d/d');
});

test('a directory that is gone is an empty one', async () => {
  await fs.rm(directory, { recursive: true });
  expect(await outputs.collect(key, LIMIT)).toEqual({ files: [], skipped: null, overLimit: false });
  expect(await outputs.bytes(key)).toBe(0);
  await outputs.remove(key);
});

test('what nobody knows any more is removed', async () => {
  const other = { taskId: 'task2', attempt: 3 };
  await outputs.create(other);
  await fs.writeFile(outputs.stampFile(other), 'x');
  await fs.writeFile(outputs.stampFile(key), 'x');
  await outputs.removeOthers([key]);
  expect((await fs.readdir(path.dirname(directory))).sort()).toEqual(['task1.1', 'task1.1.log-start']);
});
