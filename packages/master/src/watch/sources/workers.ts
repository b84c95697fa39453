/** The newest state of every worker, whenever its row or what it holds has changed. */
import type { WorkersSubscription } from '@cloudai/api/watch';
import { Rejected } from '../../operations/index.ts';
import { callOf } from '../call.ts';
import type { WorkerChange } from '../feed.ts';
import { type Source, type SourceParts, visibilityOf } from '../source.ts';
import { RowReader } from './row-reader.ts';

export function openWorkers(parts: SourceParts, { after, worker: only }: WorkersSubscription): Source {
  const { context, subject, operations, feed, outlet } = parts;
  const visibility = visibilityOf(subject);
  let isClosed = false;
  /** Being made for the next message; the reader stands still meanwhile. */
  let isWaiting = false;

  /** Reads the engine, which may be ahead of the disk; `perform` waits until it is not. */
  const describe = async (change: WorkerChange, id: string, sequence: number): Promise<void> => {
    try {
      const call = callOf(context, subject, 'getWorker');
      const worker = await operations.perform('getWorker', call, {
        params: { worker: id },
        query: {},
        body: undefined,
      });
      change.texts.set(visibility, `"sequence":${sequence},"worker":${JSON.stringify(worker)}}`);
    } catch (error) {
      // Removed meanwhile: that is a change of its own, further on.
      if (error instanceof Rejected && error.code === 'worker_unknown') change.texts.set(visibility, '');
      else if (!isClosed) outlet.fail(error);
    } finally {
      isWaiting = false;
      if (!isClosed) outlet.wake();
    }
  };

  const reader = new RowReader({
    ring: feed.workers,
    feed,
    outlet,
    after,
    what: 'workers',
    send(change, sequence, id) {
      if (only !== undefined && only !== id) return true;
      if (!outlet.hasRoom()) return false;
      if (change.worker === null) {
        outlet.send('workerLeft', `"sequence":${sequence},"worker":${JSON.stringify(id)}}`);
        return true;
      }
      const text = change.texts.get(visibility);
      if (text === undefined) {
        isWaiting = true;
        void describe(change, id, sequence);
        return false;
      }
      if (text !== '') outlet.send('worker', text);
      return true;
    },
  });
  return {
    sequence: reader.sequence,
    pump() {
      if (!isWaiting) reader.pump();
    },
    close() {
      isClosed = true;
    },
  };
}
