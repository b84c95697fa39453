/**
 * Reading logs: history, search, the last lines, and following over retries until the task ends. What comes out is a
 * stream of pieces; transports give them their form. A slow reader slows only itself: nothing is read before it is
 * asked for.
 */
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import type { LogLine } from '@cloudai/api/rest';
import type { Attempt, Task } from '@cloudai/engine';
import type { LogOffsets, LogRecord, MasterContext } from '../context.ts';
import { type Operations, taskUnknown } from './call.ts';
import { findAttempts, findTask } from './find.ts';
import { keeps, type LogFilter, needsLines, readLogFilter } from './log-filter.ts';
import { LineCutter, TailKeeper } from './log-lines.ts';
import { Rejected } from './rejected.ts';
import type { TaskWatch } from './watch.ts';

/** As `LogLine`, with the bytes as they are. */
export type LogPiece =
  | ({ readonly kind: 'data'; readonly attempt: number } & LogRecord)
  | Exclude<LogLine, { kind: 'data' }>;

export interface LogReading {
  readonly taskId: string;
  readonly namespace: string;
  readonly format: 'ndjson' | 'text';
  /** Ends by itself; with `signal` at the next piece, without an error. `place`: leaves out what is before it. */
  pieces(signal: AbortSignal, place?: LogPlace): AsyncGenerator<LogPiece, void>;
}

/** Where a reader goes on: in this attempt, each stream at its byte. */
export interface LogPlace {
  readonly attempt: number;
  readonly offsets: LogOffsets;
}

const BEGINNING: LogOffsets = { stdout: 0, stderr: 0 };
/** After a worker was lost nothing more of the attempt is expected, but it may be on its way. */
const LOST_GRACE_MS = 1_000;
/** The result can be faster than the last of the log. */
const RESULT_GRACE_MS = 30_000;
/** So long history waits for the last of the log of an attempt that has just ended, looking that often. */
const HISTORY_GRACE_MS = 5_000;
const HISTORY_LOOK_MS = 20;
/** A search holds the event loop for so long at a time. */
const SLICE_MS = 10;

export function logOperations(context: MasterContext, watch: TaskWatch): Pick<Operations, 'readLogs'> {
  return {
    async readLogs(call, input) {
      const task = await findTask(context, call, input.task);
      const filter = readLogFilter(input, context.now());
      const { attempt = task.fence, follow = false, format = 'ndjson' } = input;
      if (typeof attempt === 'number' && attempt > task.fence)
        throw new Rejected(
          'log_unavailable',
          `Task ${task.id} has ${task.fence} attempts; there is no attempt ${attempt}`,
        );
      const reader = new LogReader(context, watch, task.id, filter);
      const only = input.attempt !== undefined && input.attempt !== 'all' ? input.attempt : null;
      const first = attempt === 'all' ? 1 : attempt;
      return {
        taskId: task.id,
        namespace: task.namespace,
        format,
        pieces: (signal, place) => reader.read(first, only, follow, signal, place),
      };
    },
  };
}

class LogReader {
  readonly #context: MasterContext;
  readonly #watch: TaskWatch;
  readonly #taskId: string;
  readonly #filter: LogFilter;
  readonly #pace = new Pace();

  constructor(context: MasterContext, watch: TaskWatch, taskId: string, filter: LogFilter) {
    this.#context = context;
    this.#watch = watch;
    this.#taskId = taskId;
    this.#filter = filter;
  }

  async *read(
    first: number,
    only: number | null,
    follow: boolean,
    signal: AbortSignal,
    place?: LogPlace,
  ): AsyncGenerator<LogPiece, void> {
    const start = Math.max(1, place?.attempt ?? first);
    for (let number = start; ; number += 1) {
      const task = follow ? await this.#attemptOrEnd(number, signal) : await this.#task();
      if (task === null || signal.aborted) return;
      const attempt = (await findAttempts(this.#context, task)).find((row) => row.number === number);
      if (attempt !== undefined) {
        if (number > start) yield { kind: 'attempt', attempt: number, worker: attempt.workerId };
        const begin = place?.attempt === number ? place.offsets : BEGINNING;
        yield* this.#attempt(attempt, begin, follow, signal);
        if (signal.aborted) return;
      }
      const last = (await this.#task()) ?? task;
      if (only !== null || (number >= last.fence && (last.endedAt !== null || !follow))) {
        if (last.endedAt !== null || follow) yield endOf(last);
        return;
      }
    }
  }

  async #task(): Promise<Task | null> {
    return this.#context.loop.engine.task(this.#taskId) ?? this.#context.store.task(this.#taskId);
  }

  /** The task once it has this attempt, or has ended without it. */
  async #attemptOrEnd(number: number, signal: AbortSignal): Promise<Task | null> {
    const next = this.#changes(signal);
    try {
      for (;;) {
        const task = await this.#task();
        if (task === null) throw taskUnknown(this.#taskId);
        if (task.fence >= number || task.endedAt !== null) return task;
        if (!(await next.wait())) return null;
      }
    } finally {
      next.stop();
    }
  }

  async *#attempt(
    attempt: Attempt,
    begin: LogOffsets,
    follow: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<LogPiece, void> {
    const { number } = attempt;
    const cutter = needsLines(this.#filter) ? new LineCutter() : null;
    const pass = (line: LogRecord): LogPiece | null =>
      keeps(this.#filter, line) ? { kind: 'data', attempt: number, ...line } : null;
    const { range, stream } = this.#filter;
    let from = range === null || stream === null ? begin : { ...begin, [stream]: range.from };
    let left = range?.bytes ?? Number.POSITIVE_INFINITY;
    if (!follow) await this.#arrived(attempt, signal);
    if (cutter !== null && this.#filter.tail !== null) {
      const { lines, end } = await this.#tail(number, this.#filter.tail, cutter);
      for (const line of lines) yield { kind: 'data', attempt: number, ...line };
      from = end;
    }
    if (this.#filter.tail === null || follow) {
      for await (const record of this.#records(attempt, follow, from, signal)) {
        if (stream !== null && record.stream !== stream) continue;
        const part = record.data.length <= left ? record : { ...record, data: record.data.subarray(0, left) };
        left -= part.data.length;
        if (cutter === null) yield { kind: 'data', attempt: number, ...part };
        else
          for (const line of cutter.cut(part)) {
            await this.#pace.step();
            const piece = pass(line);
            if (piece !== null) yield piece;
          }
        if (left <= 0) break;
      }
      for (const line of cutter?.rest() ?? []) {
        const piece = pass(line);
        if (piece !== null) yield piece;
      }
    }
    const state = await this.#context.logs.state(this.#taskId, number);
    if (state !== null && state.droppedBytes > 0) yield { kind: 'dropped', attempt: number, bytes: state.droppedBytes };
  }

  /** Whoever has seen the result finds all of the log, unless its worker is away. */
  async #arrived({ number, startedAt, endedAt, state, workerId }: Attempt, signal: AbortSignal): Promise<void> {
    const { logs, loop, now } = this.#context;
    if (startedAt === null || endedAt === null || state === 'lost' || state === 'superseded') return;
    if (now() - endedAt > HISTORY_GRACE_MS) return;
    const until = performance.now() + HISTORY_GRACE_MS;
    while (performance.now() < until && !signal.aborted && loop.engine.worker(workerId)?.connected === true) {
      if ((await logs.state(this.#taskId, number))?.complete === true) return;
      await delay(HISTORY_LOOK_MS);
    }
  }

  /**
   * The last lines that pass the filter, and the place up to which each stream was read, so that following goes on from
   * there; what then ends an unfinished last line counts as a line of its own.
   */
  async #tail(
    number: number,
    count: number,
    cutter: LineCutter,
  ): Promise<{ readonly lines: LogRecord[]; readonly end: LogOffsets }> {
    const { logs } = this.#context;
    const { matches, since, until, stream } = this.#filter;
    const filtered = matches !== null || since !== null || until !== null || stream !== null;
    // Without a filter the store finds the place from the end; with one the whole log has to be looked at.
    const tail = filtered ? null : await logs.tail(this.#taskId, number, count + 1);
    const end = { ...(tail?.end ?? BEGINNING) };
    const keeper = new TailKeeper(count);
    for await (const record of tail?.records ?? logs.read(this.#taskId, number, { follow: false })) {
      end[record.stream] = Math.max(end[record.stream], record.offset + record.data.length);
      if (this.#filter.stream !== null && record.stream !== this.#filter.stream) continue;
      for (const line of cutter.cut(record)) {
        await this.#pace.step();
        if (keeps(this.#filter, line)) keeper.add(line);
      }
    }
    for (const line of cutter.rest()) if (keeps(this.#filter, line)) keeper.add(line);
    return { lines: keeper.take(), end };
  }

  /** Records behind `from`; while following until the log is complete, or its attempt has ended and nothing more comes. */
  async *#records(
    attempt: Attempt,
    follow: boolean,
    from: LogOffsets,
    signal: AbortSignal,
  ): AsyncGenerator<LogRecord, void> {
    const own = new AbortController();
    const stopAll = () => own.abort();
    signal.addEventListener('abort', stopAll, { once: true });
    if (signal.aborted) own.abort();
    const leave = follow ? this.#leaveAfterEnd(attempt.number, own) : () => {};
    try {
      yield* this.#context.logs.read(this.#taskId, attempt.number, { follow, from, signal: own.signal });
    } finally {
      leave();
      signal.removeEventListener('abort', stopAll);
    }
  }

  /** Stops reading some time after the attempt has ended, for logs that will never be complete. */
  #leaveAfterEnd(number: number, own: AbortController): () => void {
    let timer: NodeJS.Timeout | null = null;
    const look = () => {
      const attempt = this.#context.loop.engine.attempt(this.#taskId, number);
      if (timer !== null || (attempt !== null && attempt.endedAt === null)) return;
      const isLost = attempt === null || attempt.state === 'lost' || attempt.state === 'superseded';
      timer = setTimeout(() => own.abort(), isLost ? LOST_GRACE_MS : RESULT_GRACE_MS);
    };
    const stop = this.#watch.on(this.#taskId, look);
    look();
    return () => {
      stop();
      if (timer !== null) clearTimeout(timer);
    };
  }

  /** `wait` resolves after the next change since it was last called; false once the signal has fired. */
  #changes(signal: AbortSignal): { wait(): Promise<boolean>; stop(): void } {
    let changed = false;
    let wake = () => {};
    const notice = () => {
      changed = true;
      wake();
    };
    const stopWatch = this.#watch.on(this.#taskId, notice);
    signal.addEventListener('abort', notice, { once: true });
    return {
      async wait() {
        if (!changed && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
        changed = false;
        return !signal.aborted;
      },
      stop() {
        stopWatch();
        signal.removeEventListener('abort', notice);
      },
    };
  }
}

/** Lets others have their turn between the lines of a long search. */
class Pace {
  #since = performance.now();

  /** Nothing to wait for, most of the time. */
  step(): Promise<void> | undefined {
    return performance.now() - this.#since < SLICE_MS ? undefined : this.#yield();
  }

  async #yield(): Promise<void> {
    await turn();
    this.#since = performance.now();
  }
}

function endOf(task: Task): LogPiece {
  const { state, reason, exitCode, message } = task;
  return { kind: 'end', state, reason, exitCode, message };
}
