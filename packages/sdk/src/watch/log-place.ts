import type { LogsSubscription } from '@cloudai/api/watch';
import { LogPosition, type LogRecord } from '../log-position.ts';

/** How a log goes on after a broken connection: from the byte where it broke where that is known, else by a replay. */
export class LogPlace {
  readonly #position = new LogPosition();

  /** Called for every connection. */
  resume(request: LogsSubscription): LogsSubscription {
    if (!this.#position.hasDelivered) return request;
    const { tail, ...whole } = request;
    const { attempt, stdout, stderr } = this.#position.next;
    const later = { ...whole, attempt: request.attempt ?? 'all' } as const;
    // What a tail left out of a stream that has said nothing since is not known.
    const isKnown = tail === undefined || (stdout !== undefined && stderr !== undefined);
    this.#position.startReplay(!isKnown);
    if (!isKnown) return later;
    const offset = {
      attempt,
      ...(stdout === undefined ? {} : { stdout }),
      ...(stderr === undefined ? {} : { stderr }),
    };
    return { ...later, offset };
  }

  /** The part of a line that was not delivered yet, or null. */
  advance(line: LogRecord): LogRecord | null {
    return this.#position.advance(line);
  }
}
