import { create } from '@bufbuild/protobuf';
import { workerWire } from '@cloudai/api';
import { expect, test } from 'vitest';
import { MemoryAttemptJournal } from './attempt-journal.ts';
import { AttemptRunner } from './attempt-runner.ts';
import { begin } from './core/machine.ts';
import { Outbox } from './outbox.ts';
import type { RunnerHost } from './runner-host.ts';
import { ScriptedMachine, ScriptedRuntime } from './runtimes/scripted/index.ts';
import { Slots } from './slots.ts';
import { runSpec } from './testing/assignment.ts';
import { ManualClock, settle } from './testing/manual-clock.ts';
import { silent } from './testing/worker.ts';
import { type Up, up } from './wire.ts';

const clock = new ManualClock();
const host: RunnerHost = {
  runtime: new ScriptedRuntime(new ScriptedMachine(clock)),
  clock,
  journal: new MemoryAttemptJournal(),
  log: silent,
  windowBytes: () => 2 ** 22,
  mayStart: () => false,
  starts: new Slots(1),
  measurements: new Slots(1),
  wakeSession: () => {},
  upload: () => Promise.reject(new Error('no uploads here')),
  gone: () => {},
};

async function runner(taskId: string): Promise<AttemptRunner> {
  const one = new AttemptRunner(host, begin({ taskId, attempt: 1 }, runSpec({ image: 'scripted' })), false);
  await settle();
  one.acknowledge('starting', false);
  return one;
}

const heartbeat = () => up({ case: 'heartbeat', value: create(workerWire.HeartbeatSchema, {}) });

/** Reads an outbox as its session would, one message after the other. */
class Reader {
  readonly #messages: AsyncIterator<Up>;
  #next: Promise<IteratorResult<Up>> | null = null;

  constructor(outbox: Outbox) {
    this.#messages = outbox[Symbol.asyncIterator]();
  }

  /** What comes out now, until the outbox waits. */
  async drain(): Promise<string[]> {
    const seen: string[] = [];
    while (true) {
      this.#next ??= this.#messages.next();
      const next = await Promise.race([this.#next, settle().then(() => null)]);
      if (next === null || next.done === true) return seen;
      this.#next = null;
      const { message } = next.value;
      const task = message.case === 'report' || message.case === 'log' ? ` ${message.value.key?.taskId}` : '';
      seen.push(`${message.case}${task}`);
    }
  }
}

test('before the welcome only control messages go out', async () => {
  const outbox = new Outbox(clock);
  const reader = new Reader(outbox);
  outbox.ready(await runner('a'));
  outbox.control(heartbeat());
  expect(await reader.drain()).toEqual(['heartbeat']);
});

test('heartbeats, then reports, then logs in turn', async () => {
  const [a, b] = [await runner('a'), await runner('b')];
  for (const one of [a, b]) one.ledger.push('stdout', Buffer.alloc(160 * 1024), 0, 0);
  b.dispatch({ kind: 'progress', text: 'pulling' });
  const outbox = new Outbox(clock);
  const reader = new Reader(outbox);
  outbox.open(1n, [a, b], []);
  outbox.control(heartbeat());
  await clock.advance(100);
  expect(await reader.drain()).toEqual(['heartbeat', 'report b', 'log a', 'log b', 'log a', 'log b', 'log a', 'log b']);
});

test('an end waits for its whole log, and the log of a found attempt for the word of the master', async () => {
  const one = await runner('a');
  one.ledger.push('stdout', Buffer.from('x'), 0, 0);
  one.dispatch({ kind: 'stop', reason: 'cancelled_by_user', message: null, graceMs: 0, wallNow: 0 });
  const outbox = new Outbox(clock);
  const reader = new Reader(outbox);
  outbox.open(1n, [one], [one]);
  expect(await reader.drain()).toEqual([]);
  outbox.resumed(one);
  expect(await reader.drain()).toEqual(['log a', 'log a', 'report a']);
});

test('a report is sent once per session until it is acknowledged', async () => {
  const one = await runner('a');
  one.dispatch({ kind: 'progress', text: 'pulling' });
  const first = new Outbox(clock);
  const reader = new Reader(first);
  first.open(1n, [one], []);
  expect(await reader.drain()).toEqual(['report a']);
  expect(await reader.drain()).toEqual([]);
  const second = new Outbox(clock);
  second.open(2n, [one], []);
  expect(await new Reader(second).drain()).toEqual(['report a']);
  expect(second.phaseOf(one, 1n)).toBe('starting');
  expect(second.phaseOf(one, 2n)).toBe(null);
});
