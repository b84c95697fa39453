import type { WatchTopic } from '@cloudai/api/watch';
import type { Subscription, WatchListener, WatchUpdate } from './subscription.ts';

/**
 * Updates that wait for a slow reader; beyond it the subscription is taken back until they are read. Some megabytes, and
 * so many that a reader of a long history does not ask more often than the master bears.
 */
const MOST_WAITING = 10_000;

/** Opens the subscription anew where it stands, or takes it back; the connection and the other subscriptions stay. */
export interface Valve<Topic extends WatchTopic> {
  open(listener: WatchListener<Topic>): Subscription<Topic>;
  park(subscription: Subscription<Topic>): void;
  resume(subscription: Subscription<Topic>): void;
  close(subscription: Subscription<Topic>): void;
}

/**
 * A subscription as something to read. What is not read yet is bounded: for topics that can be gone on with, the master
 * keeps the rest; of the others (queue, cluster, telemetry) only the newest are kept.
 */
export async function* streamOf<Topic extends WatchTopic>(
  valve: Valve<Topic>,
  isLossless: boolean,
  signal: AbortSignal | null,
): AsyncGenerator<WatchUpdate<Topic>, void> {
  signal?.throwIfAborted();
  const waiting: WatchUpdate<Topic>[] = [];
  let isParked = false;
  let isOver = false;
  let failure: unknown = null;
  let wake = () => {};
  const subscription = valve.open({
    onUpdate(update) {
      if (!isLossless && waiting.length >= MOST_WAITING) waiting.shift();
      waiting.push(update);
      if (isLossless && !isParked && waiting.length >= MOST_WAITING) {
        isParked = true;
        valve.park(subscription);
      }
      wake();
    },
    onError(error) {
      failure = error;
      isOver = true;
      wake();
    },
    onEnd() {
      isOver = true;
      wake();
    },
  });
  const abort = () => {
    failure = signal?.reason;
    isOver = true;
    waiting.length = 0;
    wake();
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    for (;;) {
      while (waiting.length > 0) yield waiting.shift()!;
      if (failure !== null) throw failure;
      if (isOver) return;
      if (isParked) {
        isParked = false;
        valve.resume(subscription);
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    valve.close(subscription);
  }
}
