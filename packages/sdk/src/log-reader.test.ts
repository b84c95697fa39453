import type { LogLine } from '@cloudai/api/rest';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CloudAI } from './client.ts';
import { bytesOf } from './log-bytes.ts';
import { LogPosition, type LogRecord } from './log-position.ts';
import { parseNdjson } from './ndjson.ts';
import { aTask, MemoryMaster } from './testing/index.ts';

const AT = '2026-11-22T12:00:00.000Z';

function out(offset: number, text: string, attempt = 1): LogLine {
  return { kind: 'data', attempt, stream: 'stdout', offset, at: AT, text };
}

function err(offset: number, text: string, attempt = 1): LogLine {
  return { kind: 'data', attempt, stream: 'stderr', offset, at: AT, text };
}

const END: LogLine = { kind: 'end', state: 'completed', reason: 'exit_zero', exitCode: 0, message: null };

function textOf(records: readonly LogRecord[], stream = 'stdout'): string {
  const data = records.filter((record) => record.kind === 'data' && record.stream === stream);
  return Buffer.concat(data.map((record) => (record.kind === 'data' ? bytesOf(record) : new Uint8Array()))).toString();
}

describe('over HTTP', () => {
  let master: MemoryMaster;
  let client: CloudAI;

  beforeEach(async () => {
    master = await MemoryMaster.start();
    master.addTask({ task: aTask({ id: 'abc' }) });
    client = new CloudAI({ url: master.url, token: master.token, retry: { limit: 12, baseMs: 1, maxMs: 2 } });
  });
  afterEach(async () => {
    client.close();
    await master.close();
  });

  async function read(query: Parameters<CloudAI['readLogs']>[1]): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    for await (const record of client.readLogs('abc', query)) records.push(record);
    return records;
  }

  test('history ends by itself', async () => {
    master.append('abc', out(0, 'one\n'), out(4, 'two\n'));
    expect(textOf(await read({}))).toBe('one\ntwo\n');
  });

  test('following goes on until the end is said', async () => {
    setTimeout(() => master.append('abc', out(0, 'live\n')), 30);
    setTimeout(() => master.append('abc', END), 60);
    const records = await read({ follow: true });
    expect(textOf(records)).toBe('live\n');
    expect(records.at(-1)).toEqual(END);
  });

  test('a log that breaks at every place is whole, each byte once', async () => {
    const lines: LogLine[] = [];
    let offset = 0;
    for (let index = 0; index < 200; index++) {
      const text = `line ${index} äöü\n`;
      lines.push(out(offset, text), err(index * 2, '!\n'));
      offset += Buffer.byteLength(text);
    }
    master.append('abc', ...lines, END);
    master.logCuts.push(1, 7, 8, 9, 50, 51, 200, 399, 400);
    const records = await read({ follow: true });
    expect(textOf(records)).toBe(Array.from({ length: 200 }, (_, index) => `line ${index} äöü\n`).join(''));
    expect(textOf(records, 'stderr')).toBe('!\n'.repeat(200));
    expect(records.filter(({ kind }) => kind === 'end').length).toBe(1);
  });

  test('the last lines and what follows survive a break without the lines before them', async () => {
    master.append('abc', out(0, 'old\n'), err(0, 'old too\n'), out(4, 'shown\n'));
    master.logCuts.push(3);
    setTimeout(() => master.append('abc', out(10, 'new\n'), err(8, 'new too\n'), END), 30);
    const records = await read({ follow: true, tail: 1 });
    expect(textOf(records)).toBe('shown\nnew\n');
    expect(textOf(records, 'stderr')).toBe('new too\n');
    expect(master.requests.at(-1)?.query).toEqual({ follow: 'true', attempt: 'all' });
  });

  test('an interruption that the master announces is taken up again', async () => {
    master.append('abc', out(0, 'one\n'), { kind: 'interrupted', message: 'the master is stopping' });
    setTimeout(() => {
      master.log('abc').lines.pop();
      master.append('abc', out(4, 'two\n'), END);
    }, 1);
    expect(textOf(await read({ follow: true }))).toBe('one\ntwo\n');
  });

  test('a refusal ends it at once', async () => {
    master.failNext('readLogs', { status: 404, code: 'log_unavailable' });
    await expect(read({ follow: true })).rejects.toMatchObject({ code: 'log_unavailable' });
    expect(master.requests.length).toBe(1);
  });

  test('an abort ends it', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 20);
    const reading = async () => {
      for await (const _ of client.readLogs('abc', { follow: true }, { signal: stop.signal }));
    };
    await expect(reading()).rejects.toThrow('enough');
  });
});

describe('the position in a log', () => {
  test('a replay with other borders yields only what is new, to the byte', () => {
    const position = new LogPosition();
    position.startReplay();
    position.advance(out(0, 'hello ') as LogRecord);
    position.startReplay();
    expect(position.advance(out(0, 'hello world') as LogRecord)).toEqual(out(6, 'world'));
  });

  test('a cut inside a character keeps the bytes', () => {
    const position = new LogPosition();
    position.startReplay();
    position.advance({ kind: 'data', attempt: 1, stream: 'stdout', offset: 0, at: AT, base64: 'w6Q=' });
    position.advance({ kind: 'data', attempt: 1, stream: 'stdout', offset: 2, at: AT, base64: 'ww==' });
    position.startReplay();
    expect(position.advance(out(0, 'ää') as LogRecord)).toEqual({
      kind: 'data',
      attempt: 1,
      stream: 'stdout',
      offset: 3,
      at: AT,
      base64: 'pA==',
    });
  });

  test('earlier attempts stay behind; a new one begins at 0', () => {
    const position = new LogPosition();
    position.startReplay();
    const first = { kind: 'attempt', attempt: 2, worker: 'w' } as const;
    expect(position.advance(first)).toEqual(first);
    position.advance(out(0, 'a', 2) as LogRecord);
    position.startReplay();
    expect(position.advance(out(0, 'earlier', 1) as LogRecord)).toBeNull();
    expect(position.advance(first)).toBeNull();
    expect(position.advance(out(0, 'a', 2) as LogRecord)).toBeNull();
    expect(position.advance(out(0, 'b', 3) as LogRecord)).toEqual(out(0, 'b', 3));
  });

  test('dropped bytes are told once per attempt', () => {
    const position = new LogPosition();
    position.startReplay();
    const dropped = { kind: 'dropped', attempt: 1, bytes: 9 } as const;
    expect(position.advance(dropped)).toEqual(dropped);
    position.startReplay();
    expect(position.advance(dropped)).toBeNull();
  });
});

test('records are found whatever the borders of the chunks are', async () => {
  const text = Buffer.from('{"a":"ä"}\n\n{"b":2}\n{"c":3}');
  for (let size = 1; size <= text.length; size++) {
    const chunks = async function* () {
      for (let at = 0; at < text.length; at += size) yield text.subarray(at, at + size);
    };
    const found: unknown[] = [];
    for await (const value of parseNdjson(chunks())) found.push(value);
    expect(found).toEqual([{ a: 'ä' }, { b: 2 }, { c: 3 }]);
  }
});
