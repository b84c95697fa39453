import { appendFile, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LogOffsets, LogRecord } from '../context.ts';
import type { LogChunk } from './log-file.ts';
import { FileLogStore, MOST_UNUSED } from './log-store.ts';

// The machine may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

const TASK = 'abcdefghij234567';
let directory: string;
let store: FileLogStore;
const fatal: unknown[] = [];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'cloudai-logs-'));
  store = openStore();
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
  expect(fatal.splice(0)).toEqual([]);
});

function openStore(): FileLogStore {
  return new FileLogStore({ directory, onFatal: (error) => fatal.push(error) });
}

const file = () => path.join(directory, 'ab', TASK, '1.log');

function chunk(offset: number, data: string | Uint8Array, rest: Partial<LogChunk> = {}): LogChunk {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  return { stream: 'stdout', offset, data: bytes, at: 1_000, last: false, dropped: 0, ...rest };
}

async function append(...chunks: LogChunk[]): Promise<string[]> {
  const log = await store.open(TASK, 1);
  const outcomes = chunks.map((one) => store.append(log, one));
  await store.flush();
  return outcomes;
}

async function collect(stream: 'stdout' | 'stderr' = 'stdout', attempt = 1): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const record of store.read(TASK, attempt, { follow: false }))
    if (record.stream === stream) parts.push(record.data);
  return Buffer.concat(parts);
}

describe('appending', () => {
  test('a stream is a prefix of what was said: overlaps are trimmed, gaps are not taken', async () => {
    expect(await append(chunk(0, 'hello '), chunk(3, 'lo wor'), chunk(20, 'far'), chunk(9, 'ld'))).toEqual([
      'stored',
      'stored',
      'gap',
      'stored',
    ]);
    expect((await collect()).toString()).toBe('hello world');
    expect(await append(chunk(0, 'hello'))).toEqual(['stored']);
    expect((await collect()).toString()).toBe('hello world');
  });

  test('every byte comes back as it was, on both streams', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 31) & 0xff));
    await append(chunk(0, bytes), chunk(0, bytes.subarray(0, 999), { stream: 'stderr' }));
    expect((await collect()).equals(bytes)).toBe(true);
    expect((await collect('stderr')).equals(bytes.subarray(0, 999))).toBe(true);
  });

  test('is complete when both streams have ended, and takes nothing after that', async () => {
    await append(chunk(0, 'a', { last: true, dropped: 3 }));
    expect(await store.state(TASK, 1)).toEqual({ stdoutBytes: 1, stderrBytes: 0, droppedBytes: 3, complete: false });
    await append(chunk(0, '', { stream: 'stderr', last: true, dropped: 4 }), chunk(1, 'late'));
    expect(await store.state(TASK, 1)).toEqual({ stdoutBytes: 1, stderrBytes: 0, droppedBytes: 7, complete: true });
    expect((await store.open(TASK, 1)).isDurablyComplete).toBe(true);
  });

  test('small pieces of one moment share a record', async () => {
    const log = await store.open(TASK, 1);
    for (let i = 0; i < 1_000; i += 1) store.append(log, chunk(i * 10, 'line 0000\n', { at: 1_000 + (i >> 5) }));
    await store.flush();
    expect((await stat(file())).size).toBeLessThan(10_000 + 20 * 36);
    const records: LogRecord[] = [];
    for await (const record of store.read(TASK, 1, { follow: false })) records.push(record);
    expect(records.length).toBeLessThan(20);
    expect(records.at(-1)!.at - records[0]!.at).toBeGreaterThanOrEqual(0);
  });

  test('an attempt that said nothing has no log', async () => {
    expect(await store.state(TASK, 1)).toBeNull();
    expect((await collect()).byteLength).toBe(0);
    expect(await store.tail(TASK, 1, 10)).toEqual({ records: [], end: { stdout: 0, stderr: 0 } });
  });

  test('a name that is no id never becomes a path', async () => {
    await expect(store.open('../../etc/passwd', 1)).rejects.toThrow('no attempt has the name');
    await expect(store.open(TASK, 0)).rejects.toThrow('no attempt has the name');
  });
});

describe('after a crash', () => {
  const whole = Buffer.from(Array.from({ length: 3_000 }, (_, i) => `line ${i}\n`).join(''));

  async function written(): Promise<Buffer> {
    const offsets = Array.from({ length: Math.ceil(whole.byteLength / 500) }, (_, i) => i * 500);
    await append(...offsets.map((at) => chunk(at, whole.subarray(at, at + 500), { at: at * 1_000 })));
    await store.close();
    return await readFile(file());
  }

  test('a torn end is cut at the last whole record, wherever it is torn', async () => {
    const content = await written();
    for (let cut = 1; cut < 1_400; cut += 37) {
      await writeFile(file(), content.subarray(0, content.byteLength - cut));
      store = openStore();
      const { end } = (await store.open(TASK, 1)).accepted.stdout;
      expect(end % 500 === 0 || end === whole.byteLength).toBe(true);
      expect(whole.byteLength - end).toBeLessThanOrEqual(cut + 536);
      expect((await collect()).equals(whole.subarray(0, end))).toBe(true);
      await append(chunk(end, whole.subarray(end)));
      expect((await collect()).equals(whole)).toBe(true);
      await store.close();
    }
  });

  test('garbage and zeros after the end are cut', async () => {
    const content = await written();
    for (const junk of [Buffer.alloc(4_096), Buffer.from('LOG1 not a record'), content.subarray(7, 900)]) {
      await writeFile(file(), Buffer.concat([content, junk]));
      store = openStore();
      expect((await store.open(TASK, 1)).accepted.stdout.end).toBe(whole.byteLength);
      await store.close();
      expect((await stat(file())).size).toBe(content.byteLength);
    }
  });

  test('a flipped bit cuts an open log there: the worker still has the rest', async () => {
    const content = await written();
    const flipped = Buffer.from(content);
    flipped[10_000]! ^= 4;
    await writeFile(file(), flipped);
    store = openStore();
    const { end } = (await store.open(TASK, 1)).accepted.stdout;
    expect(end).toBeGreaterThan(8_000);
    expect(end).toBeLessThan(10_000);
    expect((await collect()).equals(whole.subarray(0, end))).toBe(true);
  });

  test('a flipped bit in a complete log costs its record and nothing else', async () => {
    await append(
      chunk(0, 'first\n', { at: 0 }),
      chunk(6, 'second\n', { at: 9_000 }),
      chunk(13, 'third\n', { at: 20_000, last: true }),
    );
    await append(chunk(0, '', { stream: 'stderr', last: true }));
    await store.close();
    const content = await readFile(file());
    content[content.indexOf('second')]! ^= 1;
    await writeFile(file(), content);
    store = openStore();
    expect(await store.state(TASK, 1)).toMatchObject({ complete: true, stdoutBytes: 19 });
    expect((await collect()).toString()).toBe('first\nthird\n');
  });

  test('an empty file is an empty log', async () => {
    await written();
    await truncate(file(), 0);
    store = openStore();
    expect(await store.state(TASK, 1)).toBeNull();
  });
});

describe('following', () => {
  test('sees what is written at once, and ends with the log', async () => {
    const seen: string[] = [];
    const delays: number[] = [];
    const log = await store.open(TASK, 1);
    const following = (async () => {
      for await (const record of store.read(TASK, 1, { follow: true })) {
        const text = Buffer.from(record.data).toString();
        seen.push(text);
        delays.push(performance.now() - Number(text));
      }
    })();
    let offset = 0;
    for (let i = 0; i < 20; i += 1) {
      const text = performance.now().toFixed(3);
      store.append(log, chunk(offset, text, { at: i * 1_000 }));
      offset += text.length;
      await delay(15);
    }
    store.append(log, chunk(offset, '', { last: true }));
    store.append(log, chunk(0, '', { stream: 'stderr', last: true }));
    await following;
    expect(seen).toHaveLength(20);
    expect(Math.max(...delays)).toBeLessThan(250);
  });

  test('stops on the signal and on removal', async () => {
    await append(chunk(0, 'a'));
    const controller = new AbortController();
    const drain = async (signal?: AbortSignal): Promise<number> => {
      let count = 0;
      for await (const _ of store.read(TASK, 1, signal === undefined ? { follow: true } : { follow: true, signal }))
        count += 1;
      return count;
    };
    const first = drain(controller.signal);
    const second = drain();
    await delay(20);
    controller.abort();
    expect(await first).toBe(1);
    await store.remove(TASK);
    expect(await second).toBe(1);
    expect(await store.state(TASK, 1)).toBeNull();
  });

  test('waits for a log that does not exist yet', async () => {
    const reader = store.read(TASK, 1, { follow: true })[Symbol.asyncIterator]();
    const first = reader.next();
    await delay(20);
    await append(chunk(0, 'here'));
    expect(Buffer.from((await first).value!.data).toString()).toBe('here');
    await reader.return?.();
  });

  test('two hundred readers that hardly read cost the writer nothing', async () => {
    const piece = Buffer.alloc(64 * 1024, 'x');
    const log = await store.open(TASK, 1);
    const readers = Array.from({ length: 200 }, () => store.read(TASK, 1, { follow: true })[Symbol.asyncIterator]());
    store.append(log, chunk(0, piece));
    await store.flush();
    await Promise.all(readers.map((reader) => reader.next()));
    const before = process.memoryUsage();
    const started = performance.now();
    let offset = piece.byteLength;
    for (let i = 0; i < 256; i += 1) {
      while (store.append(log, chunk(offset, piece, { at: i * 1_000 })) === 'busy') await delay(1);
      offset += piece.byteLength;
    }
    await store.flush();
    const seconds = (performance.now() - started) / 1_000;
    expect(offset / 2 ** 20 / seconds).toBeGreaterThan(10);
    // What they have not read lies in the file, not in memory.
    expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(64 * 2 ** 20);
    for (const reader of readers) void reader.return?.();
    store.end(log, 0);
  });
});

describe('reading from a place', () => {
  const collectFrom = async (from: LogOffsets): Promise<Record<'stdout' | 'stderr', string>> => {
    const text = { stdout: '', stderr: '' };
    for await (const { stream, offset, data } of store.read(TASK, 1, { follow: false, from })) {
      expect(offset).toBe(from[stream] + text[stream].length);
      text[stream] += Buffer.from(data).toString();
    }
    return text;
  };

  test('gives just what lies behind it, wherever it is in each stream', async () => {
    const [stdout, stderr] = [Array.from({ length: 60 }, (_, n) => `line ${n}\n`).join(''), 'first and only\n'];
    const log = await store.open(TASK, 1);
    store.append(log, chunk(0, stderr, { stream: 'stderr' }));
    for (let at = 0; at < stdout.length; at += 23)
      store.append(log, chunk(at, stdout.slice(at, at + 23), { at: at * 1e3 }));
    await store.flush();
    for (let from = 0; from <= stdout.length; from += 17)
      for (const other of [0, 7, stderr.length])
        expect(await collectFrom({ stdout: from, stderr: other })).toEqual({
          stdout: stdout.slice(from),
          stderr: stderr.slice(other),
        });
    expect(await collectFrom({ stdout: 1e9, stderr: 1e9 })).toEqual({ stdout: '', stderr: '' });
  });

  test('follows from there, also from a place that is not written yet', async () => {
    const log = await store.open(TASK, 1);
    await append(chunk(0, 'old\n'));
    const following = Array.fromAsync(store.read(TASK, 1, { follow: true, from: { stdout: 6, stderr: 0 } }));
    store.append(log, chunk(4, 'new\n', { last: true }));
    store.append(log, chunk(0, 'oops', { stream: 'stderr', last: true }));
    const seen = (await following).map(({ stream, offset, data }) => [stream, offset, Buffer.from(data).toString()]);
    expect(seen).toEqual([
      ['stdout', 6, 'w\n'],
      ['stderr', 0, 'oops'],
    ]);
  });

  test('near the end of a long log reads its end only', async () => {
    const piece = Buffer.alloc(64 * 1024, 'x');
    const log = await store.open(TASK, 1);
    for (let n = 0; n < 320; n += 1) {
      store.append(log, chunk(n * piece.length, piece, { at: n * 1_000 }));
      if (n % 64 === 63) await store.flush();
    }
    await store.flush();
    const probe = await open(file(), 'r');
    const handles = Object.getPrototypeOf(probe) as typeof probe;
    await probe.close();
    const spy = vi.spyOn(handles, 'read');
    expect((await collectFrom({ stdout: 319 * piece.length + 5, stderr: 0 })).stdout).toHaveLength(piece.length - 5);
    const reads = spy.mock.calls.map((args) => (args as unknown[])[3] as number);
    spy.mockRestore();
    expect(Math.min(...reads)).toBeGreaterThan(300 * piece.length);
  });
});

describe('the tail', () => {
  test('holds at least so many lines, across records and streams', async () => {
    const log = await store.open(TASK, 1);
    let offset = 0;
    for (let i = 0; i < 300; i += 1) {
      const text = `line ${i}\n`;
      store.append(log, chunk(offset, text, { at: i * 1_000 }));
      offset += text.length;
    }
    await append(chunk(0, 'oops\n', { stream: 'stderr', at: 400_000 }));
    for (const lines of [1, 2, 50, 301, 1_000]) {
      const { records, end } = await store.tail(TASK, 1, lines);
      expect(end).toEqual({ stdout: offset, stderr: 5 });
      const text = records.map((record) => Buffer.from(record.data).toString()).join('');
      const expected = [...Array.from({ length: 300 }, (_, i) => `line ${i}\n`), 'oops\n'].slice(-lines).join('');
      expect(text.endsWith(expected)).toBe(true);
      expect(text.length).toBeLessThan(expected.length + 12);
    }
  });

  test('of a long log reads its end only', async () => {
    const line = `${'x'.repeat(1_023)}\n`;
    const data = Buffer.from(line.repeat(64));
    const log = await store.open(TASK, 1);
    for (let i = 0; i < 320; i += 1) {
      store.append(log, chunk(i * data.byteLength, data, { at: i * 1_000 }));
      if (i % 64 === 63) await store.flush();
    }
    await store.flush();
    const started = performance.now();
    const { records } = await store.tail(TASK, 1, 100);
    expect(performance.now() - started).toBeLessThan(200);
    expect(records).toHaveLength(2);
  });
});

describe('the disk', () => {
  test('keeps few files open however many attempts log', async () => {
    const logs = await Promise.all(Array.from({ length: 400 }, (_, i) => store.open(TASK, i + 1)));
    for (const log of logs) store.append(log, chunk(0, `attempt ${log.attempt}\n`));
    await store.flush();
    expect(logs.filter((log) => log.handle !== null).length).toBeLessThanOrEqual(256);
    expect((await collect('stdout', 1)).toString()).toBe('attempt 1\n');
    expect((await collect('stdout', 400)).toString()).toBe('attempt 400\n');
    for (const log of logs) store.append(log, chunk(`attempt ${log.attempt}\n`.length, 'more\n'));
    await store.flush();
    expect((await collect('stdout', 7)).toString()).toBe('attempt 7\nmore\n');
  });

  test('a log in use stays the one object for writers and readers, however many others are in use', async () => {
    const id = (n: number): string => `q${[...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('')}`;
    for (let n = 0; n < MOST_UNUSED; n += 1) await store.open(id(n), 1);
    const writer = await store.open(TASK, 1);
    store.append(writer, chunk(0, 'first\n'));
    await store.flush();
    expect(await store.open(TASK, 1)).toBe(writer);
    store.append(writer, chunk(6, 'second\n'));
    await store.flush();
    expect(await store.state(TASK, 1)).toMatchObject({ stdoutBytes: 13 });
    expect((await collect()).toString()).toBe('first\nsecond\n');
  });

  test('logs that nobody uses leave memory, the oldest first', async () => {
    await append(chunk(0, 'here\n'));
    const first = await store.open(TASK, 1);
    for (let users = first.users; users > 0; users -= 1) await store.release(first);
    for (let n = 2; n <= MOST_UNUSED + 1; n += 1) await store.state(TASK, n);
    expect(first.handle).toBeNull();
    const again = await store.open(TASK, 1);
    expect(again).not.toBe(first);
    expect(again.accepted.stdout.end).toBe(5);
  });

  test('without space nothing is taken, what was not written is given up, and later it goes on', async () => {
    await append(chunk(0, 'before\n'));
    const log = await store.open(TASK, 1);
    let room = 0;
    store.onRoom.add(() => {
      room += 1;
    });
    const real = log.handle!.writev.bind(log.handle);
    log.handle!.writev = () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
    expect(store.append(log, chunk(7, 'lost?\n'))).toBe('stored');
    await expect.poll(() => log.resets).toBe(1);
    expect(log.accepted.stdout.end).toBe(7);
    expect(store.append(log, chunk(7, 'lost?\n'))).toBe('busy');
    log.handle!.writev = real;
    room = 0;
    await expect.poll(() => room, { timeout: 3_000 }).toBeGreaterThan(0);
    expect(store.append(log, chunk(7, 'kept\n'))).toBe('stored');
    await store.flush();
    expect((await collect()).toString()).toBe('before\nkept\n');
  });

  test('a sync that failed is fatal and never repeated', async () => {
    await append(chunk(0, 'a'));
    const log = await store.open(TASK, 1);
    let syncs = 0;
    log.handle!.datasync = () => {
      syncs += 1;
      return Promise.reject(Object.assign(new Error('input/output error'), { code: 'EIO' }));
    };
    store.append(log, chunk(1, 'b'));
    await expect.poll(() => fatal.length).toBe(1);
    expect(store.append(log, chunk(2, 'c'))).toBe('busy');
    await delay(150);
    expect(syncs).toBe(1);
    expect(log.durable.stdout.end).toBe(1);
    fatal.length = 0;
    await store.close();
    store = openStore();
  });

  test('appending garbage from outside does not disturb a reader', async () => {
    await append(chunk(0, 'fine\n'));
    await appendFile(file(), Buffer.alloc(100, 0xee));
    expect((await collect()).toString()).toBe('fine\n');
  });
});
