/**
 * `WatchEvents`: the pages of `listEvents` one after the other, and then each commit. Nothing is kept for a reader: a
 * slow one reads from the store when it is ready for more.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { userWire } from '@cloudai/api';
import type { Loop } from '../context.ts';
import type { OperationsLayer } from '../operations/index.ts';
import { invalid } from '../operations/rejected.ts';
import { type Json, toMessage } from './shapes.ts';

type Batch = MessageInitShape<typeof userWire.WatchEventsResponseSchema>;
type Page = Awaited<ReturnType<typeof read>>;

const PAGE = 500;

/** Wakes those who wait for the next commit with events. */
export class EventBell {
  readonly #waiting = new Set<() => void>();

  constructor(loop: Pick<Loop, 'onCommitted'>) {
    loop.onCommitted((changes) => {
      if (this.#waiting.size === 0 || !changes.some(({ kind }) => kind === 'event')) return;
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
  }

  async next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    this.#waiting.delete(resolve);
  }
}

export interface EventSource {
  /** As `listEvents`, with the rights of now. */
  read(query: Json): Promise<Page>;
  sequence(): number;
  readonly bell: EventBell;
}

export async function* watchEvents(
  source: EventSource,
  { namespace, after: from, workerId, kinds }: userWire.WatchEventsRequest,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  if (kinds.some((kind) => kind.includes(','))) throw invalid('kinds', 'no part of it may have a comma');
  const filter = {
    limit: PAGE,
    ...(namespace === '' ? {} : { namespace }),
    ...(workerId === '' ? {} : { worker: workerId }),
    ...(kinds.length === 0 ? {} : { kind: kinds.join(',') }),
  };
  let after = from === undefined ? source.sequence() : Number(from);
  if (!Number.isSafeInteger(after) || after < 0) throw invalid('after', 'has to be a sequence');
  // At once, so that the reader knows that it watches, and from where.
  yield { sequence: BigInt(after) };
  while (!signal.aborted) {
    // What is committed after this look wakes the wait below, or is found by it.
    const upTo = source.sequence();
    const page = await source.read({ ...filter, after });
    const last = page.items.at(-1)?.sequence ?? after;
    // Events that the filter leaves out need not be looked at again.
    after = page.next === null ? Math.max(last, upTo) : last;
    if (page.items.length > 0)
      yield {
        events: page.items.map((event) => toMessage(userWire.EventSchema, event) as userWire.Event),
        sequence: BigInt(after),
      };
    if (page.next === null && source.sequence() <= after) await source.bell.next(signal);
  }
}

async function read(operations: OperationsLayer, call: Parameters<OperationsLayer['perform']>[1], query: Json) {
  return await operations.perform('listEvents', call, { params: {}, query, body: undefined });
}

export { read as readEvents };
