/**
 * The sockets of earlier versions, in their own words: `/ws/telemetry[/{worker}]` tells the state of the workers, then
 * each that was heard of; `/ws/tasks/{task}[/logs]` tells the log of a task line by line, and its end. Who may see what
 * is decided by the operations of today.
 */
import type { WorkerView } from '@cloudai/api/rest';
import { WATCH_CLOSE } from '@cloudai/api/watch';
import { type LogReading, Rejected } from '../operations/index.ts';
import { LineCutter } from '../operations/log-lines.ts';
import { errorReply } from '../rest/error-reply.ts';
import { olderTelemetry } from '../rest/older-views.ts';
import { callOf } from './call.ts';
import type { ConnectionParts } from './connection.ts';
import { Reader, type ReaderSocket } from './reader.ts';

/** Their end in order. */
const NORMAL = 1000;
/** Workers told in one turn; each is asked for anew, so the others have theirs in between. */
const MOST_WORKERS = 50;

export type OlderTarget =
  | { readonly kind: 'telemetry'; readonly worker: string | null }
  | { readonly kind: 'task'; readonly task: string };

/** What an address of then is about; null for any other. */
export function olderTarget(path: string): OlderTarget | null {
  const [, telemetry, worker, task] =
    /^\/ws\/(?:(telemetry)(?:\/([^/]+))?|tasks\/([^/]+)(?:\/logs)?)$/.exec(path) ?? [];
  try {
    if (telemetry !== undefined)
      return { kind: 'telemetry', worker: worker === undefined ? null : decodeURIComponent(worker) };
    return task === undefined ? null : { kind: 'task', task: decodeURIComponent(task) };
  } catch {
    return null; // An escape that is none.
  }
}

export function openOlder(socket: ReaderSocket, parts: ConnectionParts, target: OlderTarget): Reader {
  switch (target.kind) {
    case 'telemetry':
      return new OlderTelemetry(socket, parts, target.worker);
    case 'task':
      return new OlderTask(socket, parts, target.task);
  }
}

/** What a client sends is of no account. */
abstract class OlderReader extends Reader {
  protected readonly parts: ConnectionParts;

  constructor(socket: ReaderSocket, parts: ConnectionParts) {
    super(socket);
    this.parts = parts;
  }

  protected override take(): void {}

  protected fail(error: unknown): void {
    const { message } = errorReply(error, this.parts.context.newId(), this.parts.log).body.error;
    this.sendText(JSON.stringify({ type: 'error', error: message }));
    this.close(WATCH_CLOSE.policy, 'there is nothing to tell');
  }
}

class OlderTelemetry extends OlderReader {
  readonly #worker: string | null;
  #position: number;
  #isReady = false;
  #isAsking = false;

  constructor(socket: ReaderSocket, parts: ConnectionParts, worker: string | null) {
    super(socket, parts);
    this.#worker = worker;
    this.#position = parts.samples.ring.next;
    void this.#begin();
  }

  protected override release(): void {
    this.#isReady = false;
  }

  protected override pumpSources(): void {}

  protected override tickSources(): void {
    if (this.#isReady && !this.#isAsking && this.hasRoom()) void this.#tellHeard();
  }

  async #begin(): Promise<void> {
    const { operations, context } = this.parts;
    try {
      if (this.#worker !== null) this.#tell([await this.#workerOf(this.#worker)]);
      else {
        const call = callOf(context, this.subject, 'listWorkers');
        const input = { params: {}, query: { limit: 1000 }, body: undefined };
        this.#tell((await operations.perform('listWorkers', call, input)).items);
      }
      this.#isReady = this.isOpen();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Each by itself, as its heartbeat came. */
  async #tellHeard(): Promise<void> {
    const { ring } = this.parts.samples;
    this.#isAsking = true;
    try {
      this.#position = Math.max(this.#position, ring.first);
      for (let told = 0; this.#position < ring.next && told < MOST_WORKERS && this.#isReady; this.#position++) {
        const { key: worker, isNewest } = ring.at(this.#position);
        if (!isNewest || (this.#worker !== null && worker !== this.#worker)) continue;
        this.#tell([await this.#workerOf(worker)]);
        told += 1;
      }
    } catch (error) {
      if (!(error instanceof Rejected)) this.fail(error);
      else if (error.code === 'worker_unknown' && this.#worker === null) this.#position += 1;
      else this.fail(error);
    } finally {
      this.#isAsking = false;
    }
  }

  async #workerOf(id: string): Promise<WorkerView> {
    const { operations, context } = this.parts;
    try {
      const call = callOf(context, this.subject, 'getWorker');
      return await operations.perform('getWorker', call, { params: { worker: id }, query: {}, body: undefined });
    } catch (error) {
      if (error instanceof Rejected && error.code === 'worker_unknown')
        throw new Rejected('worker_unknown', `Worker ${id} not found`);
      throw error;
    }
  }

  #tell(workers: readonly WorkerView[]): void {
    this.sendText(JSON.stringify(Object.fromEntries(workers.map((worker) => [worker.id, olderTelemetry(worker)]))));
  }
}

class OlderTask extends OlderReader {
  readonly #stop = new AbortController();
  #turn = Promise.withResolvers<void>();

  constructor(socket: ReaderSocket, parts: ConnectionParts, task: string) {
    super(socket, parts);
    void this.#run(task);
  }

  protected override release(): void {
    this.#stop.abort();
    this.#turn.resolve();
  }

  protected override pumpSources(): void {
    if (this.hasRoom()) this.#turn.resolve();
  }

  protected override tickSources(): void {
    this.pumpSources();
  }

  async #run(id: string): Promise<void> {
    const { operations, context } = this.parts;
    try {
      const call = callOf(context, this.subject, 'readLogs');
      const input = { params: { task: id }, query: { follow: true }, body: undefined };
      const reading = await operations.perform('readLogs', call, input);
      await this.#send({ type: 'connected', task_id: reading.taskId });
      await this.#tellLog(reading);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.fail(error);
    }
  }

  async #tellLog(reading: LogReading): Promise<void> {
    const cutter = new LineCutter();
    const tell = (data: Uint8Array) =>
      this.#send({
        type: 'log',
        line: Buffer.from(data)
          .toString('utf8')
          .replace(/\r?\n$/, ''),
      });
    for await (const piece of reading.pieces(this.#stop.signal)) {
      if (piece.kind === 'data') for (const line of cutter.cut(piece)) await tell(line.data);
      if (piece.kind !== 'end') continue;
      for (const line of cutter.rest()) await tell(line.data);
      await this.#send({ type: 'complete', status: piece.state });
    }
    if (!this.#stop.signal.aborted) this.close(NORMAL, 'the task has ended');
  }

  /** Nothing more is read before the reader has taken this. */
  async #send(message: object): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (this.hasRoom()) {
        this.sendText(JSON.stringify(message));
        return;
      }
      this.#turn = Promise.withResolvers();
      this.parts.wake(this);
      await this.#turn.promise;
    }
  }
}
