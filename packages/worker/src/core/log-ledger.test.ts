import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHUNK_BYTES, COALESCE_MS, LogLedger, STREAM_NAMES, type StreamName, WINDOW_BYTES } from './log-ledger.ts';

const LIMIT = 2 ** 30;
const text = (value: string) => Buffer.from(value);

/** A master that stores what it is sent and complains about gaps. */
class Store {
  readonly bytes: Record<StreamName, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  readonly ended = new Set<StreamName>();
  dropped = 0;

  takeAll(ledger: LogLedger, now = Number.MAX_SAFE_INTEGER): number {
    let count = 0;
    for (let chunk = ledger.take(now, 0); chunk !== null; chunk = ledger.take(now, 0)) {
      const have = this.bytes[chunk.stream].length;
      if (chunk.offset > have) throw new Error(`a gap: have ${have}, got ${chunk.offset}`);
      const fresh = Buffer.from(chunk.data).subarray(Math.max(0, have - chunk.offset));
      this.bytes[chunk.stream] = Buffer.concat([this.bytes[chunk.stream], fresh]);
      if (chunk.last && !this.ended.has(chunk.stream)) this.dropped += chunk.dropped;
      if (chunk.last) this.ended.add(chunk.stream);
      count += 1;
    }
    return count;
  }

  get offsets(): Record<StreamName, number> {
    return { stdout: this.bytes.stdout.length, stderr: this.bytes.stderr.length };
  }
}

test('a small piece waits for company, but not for long', () => {
  const ledger = new LogLedger(LIMIT);
  ledger.push('stdout', text('a'), 100, 0);
  expect(ledger.take(100, 0)).toBe(null);
  expect(ledger.dueAt()).toBe(100 + COALESCE_MS);
  ledger.push('stdout', text('b'), 110, 0);
  expect(ledger.take(100 + COALESCE_MS, 0)).toMatchObject({ offset: 0, data: new Uint8Array(text('ab')), last: false });
  expect(ledger.dueAt()).toBe(null);
});

test('a full chunk does not wait', () => {
  const ledger = new LogLedger(LIMIT);
  ledger.push('stdout', Buffer.alloc(CHUNK_BYTES + 1), 100, 0);
  expect(ledger.take(100, 0)?.data.byteLength).toBe(CHUNK_BYTES);
  expect(ledger.take(100, 0)).toBe(null);
});

test('the end is told for both streams, also for empty ones', () => {
  const ledger = new LogLedger(LIMIT);
  ledger.push('stdout', text('x'), 0, 0);
  ledger.complete();
  expect(ledger.take(0, 0)).toMatchObject({ stream: 'stdout', last: true });
  expect(ledger.isHandedOver).toBe(false);
  expect(ledger.take(0, 0)).toMatchObject({ stream: 'stderr', last: true, offset: 0 });
  expect(ledger.take(0, 0)).toBe(null);
  expect(ledger.isHandedOver).toBe(true);
});

test('both streams share the limit, and what is beyond it is counted exactly', () => {
  const ledger = new LogLedger(10);
  expect(ledger.push('stdout', text('123456'), 0, 0)).toBe(false);
  expect(ledger.push('stderr', text('123456'), 0, 0)).toBe(true);
  expect(ledger.push('stdout', text('789'), 0, 0)).toBe(true);
  expect(ledger.push('stderr', text('7'), 0, 0)).toBe(true);
  expect(ledger.totals()).toEqual({ stdout: 6, stderr: 4, dropped: 6 });
});

test('reading pauses while the master is behind', () => {
  const ledger = new LogLedger(LIMIT);
  ledger.push('stdout', Buffer.alloc(WINDOW_BYTES), 0, 0);
  expect(ledger.isFull()).toBe(true);
  new Store().takeAll(ledger);
  expect(ledger.isFull()).toBe(true);
  ledger.acknowledge('stdout', 1);
  expect(ledger.isFull()).toBe(false);
});

test('beyond the limit nothing waits for the master', () => {
  const ledger = new LogLedger(10);
  ledger.push('stdout', Buffer.alloc(WINDOW_BYTES * 2), 0, 0);
  expect(ledger.isFull()).toBe(false);
});

test('after a reconnect the rest is sent again', () => {
  const ledger = new LogLedger(LIMIT);
  const store = new Store();
  ledger.push('stdout', text('hello '), 0, 0);
  store.takeAll(ledger);
  ledger.push('stdout', text('world'), 0, 0);
  ledger.take(Number.MAX_SAFE_INTEGER, 0); // Sent, and lost with the connection.
  expect(ledger.resume(store.offsets)).toBe(false);
  store.takeAll(ledger);
  expect(store.bytes.stdout.toString()).toBe('hello world');
});

test('after a restart what the master has is skipped', () => {
  const ledger = new LogLedger(8);
  expect(ledger.resume({ stdout: 3, stderr: 1 })).toBe(false);
  expect(ledger.isFull()).toBe(false);
  ledger.push('stdout', text('01234'), 0, 0);
  ledger.push('stderr', text('0123456'), 0, 0);
  expect(ledger.take(Number.MAX_SAFE_INTEGER, 0)).toMatchObject({ offset: 3, data: text('34') });
  expect(ledger.totals()).toEqual({ stdout: 5, stderr: 3, dropped: 4 });
});

test('a master that lost what it had acknowledged gets it from the start of the log', () => {
  const ledger = new LogLedger(LIMIT);
  ledger.push('stdout', text('0123456789'), 0, 0);
  new Store().takeAll(ledger);
  ledger.acknowledge('stdout', 10);
  expect(ledger.resume({ stdout: 4, stderr: 0 })).toBe(true);
  ledger.rewind();
  ledger.push('stdout', text('0123456789'), 0, 0);
  expect(ledger.take(Number.MAX_SAFE_INTEGER, 0)).toMatchObject({ offset: 4, data: text('456789') });
});

interface Piece {
  readonly stream: StreamName;
  readonly data: Uint8Array;
}

test('however it is cut, lost, read again and acknowledged, the master ends with the same bytes', () => {
  const pieces = fc.array(
    fc.record({ stream: fc.constantFrom<StreamName>('stdout', 'stderr'), data: fc.uint8Array({ maxLength: 40 }) }),
    { maxLength: 30 },
  );
  const faults = fc.array(fc.constantFrom('none', 'acknowledge', 'cut', 'restart', 'loseBatch'), { maxLength: 30 });
  fc.assert(
    fc.property(pieces, faults, fc.nat(600), (log: readonly Piece[], happenings, limit) => {
      const whole = (stream: StreamName) => Buffer.concat(log.filter((p) => p.stream === stream).map((p) => p.data));
      const store = new Store();
      let ledger = new LogLedger(limit);
      let next = 0;
      for (const happening of [...happenings, 'none']) {
        if (next < log.length) {
          ledger.push(log[next]!.stream, log[next]!.data, 0, 0);
          next += 1;
        }
        if (happening === 'loseBatch') while (ledger.take(Number.MAX_SAFE_INTEGER, 0) !== null);
        else store.takeAll(ledger);
        if (happening === 'acknowledge') for (const name of STREAM_NAMES) ledger.acknowledge(name, store.offsets[name]);
        if (happening === 'cut' || happening === 'loseBatch') ledger.resume(store.offsets);
        if (happening === 'restart') {
          ledger = new LogLedger(limit);
          ledger.resume(store.offsets);
          next = 0;
        }
      }
      for (; next < log.length; next += 1) ledger.push(log[next]!.stream, log[next]!.data, 0, 0);
      ledger.complete();
      store.takeAll(ledger);
      const total = whole('stdout').length + whole('stderr').length;
      const kept = store.bytes.stdout.length + store.bytes.stderr.length;
      expect(kept).toBe(Math.min(total, limit));
      for (const name of STREAM_NAMES) {
        expect(store.bytes[name]).toEqual(whole(name).subarray(0, store.bytes[name].length));
      }
      expect(store.ended.size).toBe(2);
      expect(store.dropped).toBe(total - kept);
      expect(ledger.totals().dropped).toBe(total - kept);
    }),
    { numRuns: 1_000 },
  );
});
