import type { LogLine } from '@cloudai/api/rest';
import type { LogQuery } from '@cloudai/api/routes';
import { LogPosition, type LogRecord } from './log-position.ts';
import { parseNdjson } from './ndjson.ts';
import { backoffMs, type RetryNotice, type RetryOptions, sleep, transient } from './retry.ts';
import { ConnectionError } from './transport/transport.ts';

export interface LogReaderOptions {
  /** One request to the log route. */
  readonly open: (query: LogQuery) => Promise<AsyncIterable<Uint8Array>>;
  readonly query: Omit<LogQuery, 'format'>;
  readonly retry: RetryOptions;
  readonly signal: AbortSignal | null;
  readonly onRetry: ((notice: RetryNotice) => void) | null;
}

/** The records of a log; goes on after a broken connection without gap or repeat. */
export async function* readLog(options: LogReaderOptions): AsyncGenerator<LogRecord, void> {
  const { query, retry, signal } = options;
  const position = new LogPosition();
  let failures = 0;
  for (;;) {
    try {
      position.startReplay();
      const body = await options.open(queryFrom(query, position));
      for await (const line of parseNdjson<LogLine>(body)) {
        if (line.kind === 'interrupted') throw new ConnectionError('lost', line.message);
        const fresh = position.advance(line);
        if (fresh !== null) {
          // Only what is new is progress: a reader that breaks at the same place each time gives up.
          failures = 0;
          yield fresh;
        }
        if (line.kind === 'end') return;
      }
      if (query.follow !== true) return;
      // A master that stops closes the stream in order; the end of a followed log is always said.
      throw new ConnectionError('lost', 'the log stream ended before the task did');
    } catch (error) {
      signal?.throwIfAborted();
      const cause = transient(error, 'always');
      if (cause === null || failures >= retry.limit) throw error;
      failures++;
      const waitMs = backoffMs(failures, retry, null);
      options.onRetry?.({ error: cause, attempt: failures, limit: retry.limit, waitMs });
      await sleep(waitMs, signal);
    }
  }
}

function queryFrom(query: Omit<LogQuery, 'format'>, position: LogPosition): LogQuery {
  if (!position.hasDelivered) return query;
  const { tail: _tail, ...whole } = query;
  // Further attempts may have begun meanwhile, so the newest one is not the one to go on with.
  return { ...whole, attempt: query.attempt ?? 'all' };
}
