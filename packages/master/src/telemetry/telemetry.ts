/**
 * What was measured, now and before. Heartbeats bring it; samples of the last hour are in memory, older ones as minutes
 * in the archive, and every attempt has a history of its own that is kept as long as its task.
 *
 *   heartbeat ─► ring of the worker (an hour, 5 s) ─┐
 *            └─► minute that goes on ─► archive ────┴─► buckets ─► columns
 *            └─► history of the attempt (its whole life) ─► archive
 *   a timer  ─► ring of the cluster, likewise
 */
import type { WorkerSeries } from '@cloudai/api/rest';
import type { Change } from '@cloudai/engine';
import type { AttemptUsage, Loop, WorkerUsage } from '../context.ts';
import { CLUSTER, type TelemetryArchive } from './archive.ts';
import { AttemptHistory, type AttemptTotals, HOLD_MS } from './attempt-series.ts';
import { Buckets, type Columns } from './buckets.ts';
import { ClusterCounter } from './cluster-counter.ts';
import { clusterNow } from './cluster-now.ts';
import { ATTEMPT_FIELDS, CLUSTER_FIELDS, type Fields, rowOf, WORKER_FIELDS } from './fields.ts';
import { MinuteBook } from './minute-book.ts';
import { alignRange, MINUTE_MS, type Range } from './range.ts';
import { Rate } from './rates.ts';
import { RING_MS, SampleRing, SLOT_MS } from './sample-ring.ts';

export interface TelemetryOptions {
  readonly loop: Pick<Loop, 'engine'>;
  readonly archive: TelemetryArchive;
  now(): number;
}

export type Answer = Range & Columns;

interface WorkerBook {
  readonly ring: SampleRing;
  newest: readonly number[] | null;
  readonly received: Rate;
  readonly sent: Rate;
}

interface LiveHistory {
  readonly history: AttemptHistory;
  savedAt: number;
}

/** Rings beyond this many are not made; those workers have minutes only. */
const MOST_RINGS = 5_000;
/** Running attempts beyond so many have no chart: 311 MiB are enough. */
const MOST_HISTORIES = 20_000;
/** Handed over at a time, so that the loop is not held up by copying them. */
const SAVED_AT_ONCE = 500;
/** What a lost master costs the chart of a running task at most, unless very many run. */
const SAVE_EVERY_MS = 300_000;

export class Telemetry {
  readonly #loop: Pick<Loop, 'engine'>;
  readonly #archive: TelemetryArchive;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #workers = new Map<string, WorkerBook>();
  readonly #cluster = new SampleRing(CLUSTER_FIELDS);
  readonly #minutes: MinuteBook;
  readonly #live = new Map<string, LiveHistory>();
  /** Being read from the archive: an attempt that this master has not seen before. */
  readonly #reading = new Map<string, Promise<void>>();
  readonly #counter = new ClusterCounter();
  #oldestWaitMs = 0;

  constructor({ loop, archive, now }: TelemetryOptions) {
    this.#loop = loop;
    this.#archive = archive;
    this.#now = now;
    this.#startedAt = now();
    this.#minutes = new MinuteBook((at, minutes) => archive.putMinute(at, minutes));
  }

  // ---- what comes in ------------------------------------------------------------------------------

  onUsage(workerId: string, usage: WorkerUsage): void {
    const book = this.#bookOf(workerId);
    const row = rowOf(WORKER_FIELDS, {
      cpu: usage.cpu,
      memoryBytes: usage.memoryBytes,
      storageBytes: usage.storageBytes,
      gpu: usage.gpu,
      networkRxBytesPerSecond: book?.received.put(usage.at, usage.networkRxBytes) ?? Number.NaN,
      networkTxBytesPerSecond: book?.sent.put(usage.at, usage.networkTxBytes) ?? Number.NaN,
      runningTasks: usage.attempts.length,
    });
    if (book !== null) {
      book.ring.put(usage.at, row);
      book.newest = row;
    }
    this.#minutes.put(usage.at, workerId, row);
    for (const attempt of usage.attempts) this.#measured(workerId, usage.at, attempt);
  }

  onCommitted(changes: readonly Change[]): void {
    this.#counter.onCommitted(changes);
    for (const change of changes) {
      if (change.kind === 'attempt' && change.row.endedAt !== null) this.#ended(change.row.taskId, change.row.number);
      if (change.kind === 'workerRemoved') this.#workers.delete(change.workerId);
    }
  }

  /** Of the queued task that waits longest, at the last sample. */
  get oldestWaitMs(): number {
    return this.#oldestWaitMs;
  }

  /** Takes a sample of the cluster; `used` are the newest measurements by worker. */
  sample(oldestWaitMs: number, used: (workerId: string) => WorkerUsage | null): void {
    const now = this.#now();
    this.#oldestWaitMs = oldestWaitMs;
    const row = rowOf(CLUSTER_FIELDS, {
      ...clusterNow(this.#loop.engine, used, now),
      oldestWaitMs,
      ...this.#counter.take(),
    });
    this.#cluster.put(now, row);
    this.#minutes.put(now, CLUSTER, row);
    this.#save(now);
  }

  /** Hands everything that is only in memory to the archive, with what happened since the last sample. */
  flush(used: (workerId: string) => WorkerUsage | null): void {
    this.sample(this.#oldestWaitMs, used);
    this.#minutes.flush();
    const keys = [...this.#live.keys()];
    for (let from = 0; from < keys.length; from += SAVED_AT_ONCE)
      this.#saveAttempts(keys.slice(from, from + SAVED_AT_ONCE));
  }

  // ---- what is asked ------------------------------------------------------------------------------

  /** The newest row of each of these workers; null where there is none. */
  newest(workerIds: readonly string[]): (Readonly<Record<WorkerSeries, number | null>> | null)[] {
    return workerIds.map((id) => {
      const row = this.#workers.get(id)?.newest ?? null;
      return row === null ? null : named(WORKER_FIELDS, row);
    });
  }

  worker(workerId: string, range: Range): Promise<Answer> {
    return this.#read(workerId, this.#workers.get(workerId)?.ring ?? null, WORKER_FIELDS, range);
  }

  cluster(range: Range): Promise<Answer> {
    return this.#read(CLUSTER, this.#cluster, CLUSTER_FIELDS, range);
  }

  async attempt(taskId: string, attempt: number, range: Range): Promise<Answer> {
    const history = await this.#history(taskId, attempt);
    const aligned = alignRange(range, history?.stepMs ?? SLOT_MS);
    const buckets = new Buckets(ATTEMPT_FIELDS, aligned.from, aligned.to, aligned.stepMs);
    history?.points((point) => buckets.add(point));
    return { ...aligned, ...buckets.columns() };
  }

  /** What an attempt used so far; null when it was never measured. */
  async totals(taskId: string, attempt: number): Promise<AttemptTotals | null> {
    const history = await this.#history(taskId, attempt);
    return history === null || history.isEmpty ? null : history.totals;
  }

  /** Of the file; 0 where none is kept. */
  sizeBytes(): Promise<number> {
    return this.#archive.sizeBytes();
  }

  async remove(taskId: string): Promise<void> {
    await this.#archive.remove(taskId);
  }

  async #read(source: string, ring: SampleRing | null, fields: Fields, range: Range): Promise<Answer> {
    const ringFrom = ring === null ? Number.POSITIVE_INFINITY : Math.max(this.#startedAt, this.#now() - RING_MS);
    const aligned = alignRange(range, MINUTE_MS);
    const isOld = range.from < Math.floor(ringFrom / SLOT_MS) * SLOT_MS;
    const minutes = isOld ? await this.#archive.minutes(source, fields, aligned.from, aligned.to, aligned.stepMs) : [];
    // Nothing is older than what is in memory, so nothing is as coarse as minutes.
    if (ring !== null && !minutes.some(({ at }) => at < ringFrom)) return fromRing(ring, fields, range);
    const buckets = new Buckets(fields, aligned.from, aligned.to, aligned.stepMs);
    for (const point of minutes) buckets.add(point);
    const current = this.#minutes.current(source);
    if (current !== null) buckets.add({ at: current.at, holdMs: MINUTE_MS, ...current.minute });
    return { ...aligned, ...buckets.columns() };
  }

  // ---- attempts -----------------------------------------------------------------------------------

  #measured(workerId: string, at: number, usage: AttemptUsage): void {
    const { taskId, attempt } = usage;
    const row = this.#loop.engine.attempt(taskId, attempt);
    // A worker speaks for its own live attempts only.
    if (row === null || row.workerId !== workerId || row.endedAt !== null) return;
    const key = keyOf(taskId, attempt);
    const live = this.#live.get(key);
    if (live !== undefined) live.history.put(at, usage);
    else if (this.#live.size >= MOST_HISTORIES) return;
    else if (row.assignedAt >= this.#startedAt) {
      const history = new AttemptHistory();
      history.put(at, usage);
      this.#live.set(key, { history, savedAt: at });
    } else this.#resume(key, taskId, attempt, at, usage);
  }

  /** It ran before this master did: its history goes on where the archive has it. Samples meanwhile are let go. */
  #resume(key: string, taskId: string, attempt: number, at: number, usage: AttemptUsage): void {
    if (this.#reading.has(key)) return;
    const reading = this.#archive
      .attempt(taskId, attempt)
      .catch(() => null) // The archive has said so in the log; the chart begins anew.
      .then((stored) => {
        this.#reading.delete(key);
        const history = stored === null ? new AttemptHistory() : AttemptHistory.of(stored);
        history.put(at, usage);
        this.#live.set(key, { history, savedAt: at });
        if (this.#loop.engine.attempt(taskId, attempt)?.endedAt !== null) this.#ended(taskId, attempt);
      });
    this.#reading.set(key, reading);
  }

  #ended(taskId: string, attempt: number): void {
    const key = keyOf(taskId, attempt);
    this.#saveAttempts([key]);
    this.#live.delete(key);
  }

  #save(now: number): void {
    const due: string[] = [];
    for (const [key, live] of this.#live) {
      if (now - live.savedAt >= SAVE_EVERY_MS) due.push(key);
      if (due.length >= SAVED_AT_ONCE) break;
    }
    this.#saveAttempts(due);
  }

  #saveAttempts(keys: readonly string[]): void {
    const rows = keys.flatMap((key) => {
      const live = this.#live.get(key);
      if (live === undefined) return [];
      live.savedAt = live.history.lastAt;
      const slash = key.lastIndexOf('/');
      return [{ taskId: key.slice(0, slash), attempt: Number(key.slice(slash + 1)), series: live.history.stored() }];
    });
    if (rows.length > 0) this.#archive.putAttempts(rows);
  }

  async #history(taskId: string, attempt: number): Promise<AttemptHistory | null> {
    const key = keyOf(taskId, attempt);
    await this.#reading.get(key);
    const live = this.#live.get(key);
    if (live !== undefined) return live.history;
    const stored = await this.#archive.attempt(taskId, attempt);
    return stored === null ? null : AttemptHistory.of(stored);
  }

  #bookOf(workerId: string): WorkerBook | null {
    let book = this.#workers.get(workerId);
    if (book === undefined && this.#workers.size < MOST_RINGS) {
      book = { ring: new SampleRing(WORKER_FIELDS), newest: null, received: new Rate(), sent: new Rate() };
      this.#workers.set(workerId, book);
    }
    return book ?? null;
  }
}

function named<Name extends string>({ names }: Fields<Name>, row: readonly number[]): Record<Name, number | null> {
  const entries = names.map((name, column) => [name, Number.isNaN(row[column]) ? null : row[column]!]);
  return Object.fromEntries(entries) as Record<Name, number | null>;
}

function fromRing(ring: SampleRing, fields: Fields, range: Range): Answer {
  const aligned = alignRange(range, SLOT_MS);
  const buckets = new Buckets(fields, aligned.from, aligned.to, aligned.stepMs);
  ring.read(aligned.from, aligned.to, (at, row) =>
    buckets.add({ at, holdMs: HOLD_MS, mean: row, max: row, weight: 1 }),
  );
  return { ...aligned, ...buckets.columns() };
}

function keyOf(taskId: string, attempt: number): string {
  return `${taskId}/${attempt}`;
}
