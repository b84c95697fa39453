/** A log as it is written, read as the log route reads it. */
import type { LogsSubscription } from '@cloudai/api/watch';
import type { LogPiece, LogPlace, LogReading } from '../../operations/index.ts';
import { CharacterJoiner, lineOf } from '../../rest/log-reply.ts';
import { callOf } from '../call.ts';
import type { Source, SourceParts } from '../source.ts';

export async function openLogs(parts: SourceParts, request: LogsSubscription): Promise<Source> {
  const { kind: _kind, id: _id, topic: _topic, task, offset, ...query } = request;
  const call = callOf(parts.context, parts.subject, 'readLogs');
  const input = { params: { task }, query: { ...query, follow: true }, body: undefined };
  const reading = await parts.operations.perform('readLogs', call, input);
  return new LogSource(parts, reading, offset);
}

class LogSource implements Source {
  readonly sequence: number;
  readonly #parts: SourceParts;
  readonly #place: LogPlace | undefined;
  readonly #stop = new AbortController();
  #hasRoom = Promise.withResolvers<void>();

  constructor(parts: SourceParts, reading: LogReading, offset: LogsSubscription['offset']) {
    this.#parts = parts;
    this.#place =
      offset === undefined
        ? undefined
        : { attempt: offset.attempt, offsets: { stdout: offset.stdout ?? 0, stderr: offset.stderr ?? 0 } };
    this.sequence = parts.feed.head;
    void this.#run(reading);
  }

  pump(): void {
    if (!this.#parts.outlet.hasRoom()) return;
    this.#hasRoom.resolve();
  }

  close(): void {
    this.#stop.abort();
    this.#hasRoom.resolve();
  }

  async #run(reading: LogReading): Promise<void> {
    const { outlet } = this.#parts;
    const { signal } = this.#stop;
    const joiner = new CharacterJoiner();
    try {
      // Behind `subscribed`.
      await this.#hasRoom.promise;
      for await (const piece of reading.pieces(signal, this.#place)) {
        for (const whole of joiner.join(piece)) await this.#send(whole);
        if (signal.aborted) return;
      }
      for (const rest of joiner.rest()) await this.#send(rest);
      if (!signal.aborted) outlet.end();
    } catch (error) {
      if (!signal.aborted) outlet.fail(error);
    }
  }

  /** Nothing more is read before the reader has taken this. */
  async #send(piece: LogPiece): Promise<void> {
    const { outlet } = this.#parts;
    while (!this.#stop.signal.aborted) {
      if (outlet.hasRoom()) {
        outlet.send('log', `"line":${JSON.stringify(lineOf(piece))}}`);
        return;
      }
      this.#hasRoom = Promise.withResolvers();
      await this.#hasRoom.promise;
    }
  }
}
