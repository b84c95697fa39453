import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogFrames } from './log-frames.ts';

const STAMP = '2026-11-22T19:00:17.628552766Z';
const ZONED = '2026-11-22T19:00:17.628552766+02:00';

function frame(stream: 'stdout' | 'stderr', line: string | Uint8Array, stamp = STAMP): Buffer {
  const payload = Buffer.concat([Buffer.from(`${stamp} `), Buffer.from(line)]);
  const header = Buffer.alloc(8);
  header[0] = stream === 'stdout' ? 1 : 2;
  header.writeUInt32BE(payload.byteLength, 4);
  return Buffer.concat([header, payload]);
}

const texts = (frames: LogFrames, bytes: Buffer) =>
  frames.push(bytes).map(({ stream, data }) => `${stream}:${Buffer.from(data).toString('latin1')}`);

test('stamps and headers are taken off, neighbours of one stream are joined', () => {
  const bytes = Buffer.concat([
    frame('stdout', 'a\n'),
    frame('stdout', 'b\n'),
    frame('stderr', 'c'),
    frame('stdout', 'd'),
  ]);
  const frames = new LogFrames('stored');
  expect(texts(frames, bytes)).toEqual(['stdout:a\nb\n', 'stderr:c', 'stdout:d']);
  expect(frames.firstStamp).toBe(STAMP);
  expect(frames.isTorn).toBe(false);
});

test('a stamp with a zone is as good', () => {
  expect(texts(new LogFrames('stored'), frame('stdout', 'x y z\n', ZONED))).toEqual(['stdout:x y z\n']);
});

test('lines that look like stamps, spaces and bytes that are no text stay as they are', () => {
  const odd = Buffer.from([0x20, 0x00, 0xff, 0x0d, 0x1b, 0x20]);
  expect(new LogFrames('stored').push(frame('stdout', odd))[0]?.data).toEqual(odd);
  expect(texts(new LogFrames('stored'), frame('stdout', `${STAMP} mine\n`))).toEqual([`stdout:${STAMP} mine\n`]);
});

test('an empty entry is the newline that Docker lost after a line of a multiple of 16 KiB', () => {
  const long = 'x'.repeat(16_384);
  const bytes = Buffer.concat([frame('stdout', long), frame('stdout', '')]);
  expect(texts(new LogFrames('stored'), bytes)).toEqual([`stdout:${long}\n`]);
});

test('an entry without a stamp is refused rather than guessed at', () => {
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 50]);
  expect(() => new LogFrames('stored').push(Buffer.concat([header, Buffer.alloc(50, 'x')]))).toThrow('no time stamp');
});

test('it does not matter how the bytes are cut', () => {
  const entry = fc.record({
    stream: fc.constantFrom<'stdout' | 'stderr'>('stdout', 'stderr'),
    line: fc.uint8Array({ minLength: 1, maxLength: 30 }),
  });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), fc.array(fc.nat(60)), (entries, cuts) => {
      const bytes = Buffer.concat(entries.map(({ stream, line }) => frame(stream, line)));
      const frames = new LogFrames('stored');
      const got = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        for (const { stream, data } of frames.push(bytes.subarray(at, at + cut))) {
          got[stream] = Buffer.concat([got[stream], data]);
        }
        at += cut;
      }
      expect(frames.isTorn).toBe(false);
      for (const stream of ['stdout', 'stderr'] as const) {
        expect(got[stream]).toEqual(Buffer.concat(entries.filter((e) => e.stream === stream).map((e) => e.line)));
      }
    }),
  );
});
