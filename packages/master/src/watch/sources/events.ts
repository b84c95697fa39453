/**
 * Every event once and in order from a cursor. Near the present they come from memory, before that from the store, which
 * has them all; so a reader may be as slow as it likes. What retention has removed is told as a gap.
 */
import type { EventsSubscription } from '@cloudai/api/watch';
import type { ClusterEvent } from '@cloudai/engine';
import type { EventFilter } from '@cloudai/store';
import { namespacesOf } from '../../operations/call.ts';
import { findTask } from '../../operations/find.ts';
import { eventView } from '../../views.ts';
import { callOf } from '../call.ts';
import type { EventEntry } from '../event-ring.ts';
import { MOST_SCANNED, type Outlet, type Source, type SourceParts, SYNC_EVERY } from '../source.ts';

/** Events read from the store at once: all that is kept for one reader. */
const BATCH = 500;

export async function openEvents(parts: SourceParts, request: EventsSubscription): Promise<Source> {
  return new EventSource(parts, await readFilter(parts, request), request.after ?? parts.feed.head);
}

async function readFilter(
  { context, subject }: SourceParts,
  { namespace, task: id, worker, kinds }: EventsSubscription,
): Promise<EventFilter> {
  const common = {
    ...(worker === undefined ? {} : { workerId: worker }),
    ...(kinds === undefined ? {} : { kinds }),
  };
  if (id === undefined)
    return { namespaces: namespacesOf(callOf(context, subject, 'listEvents'), namespace), ...common };
  const task = await findTask(context, callOf(context, subject, 'listTaskEvents'), id);
  const isAsked = namespace === undefined || namespace === task.namespace;
  return { namespaces: isAsked ? [task.namespace] : [], taskId: task.id, ...common };
}

class EventSource implements Source {
  readonly sequence: number;
  readonly #parts: SourceParts;
  readonly #outlet: Outlet;
  readonly #filter: EventFilter;
  /** Everything up to here has been sent or is none of this reader's affair. */
  #cursor: number;
  /** The sequence that the reader was told last; null before the first time that it has caught up. */
  #told: number | null = null;
  /** Read from the store and not sent yet. */
  #batch: readonly ClusterEvent[] = [];
  #batchEnd = 0;
  #sent = 0;
  #isReading = false;
  #isClosed = false;

  constructor(parts: SourceParts, filter: EventFilter, after: number) {
    this.#parts = parts;
    this.#outlet = parts.outlet;
    this.#filter = filter;
    this.#cursor = after;
    this.sequence = after;
  }

  pump(): void {
    const { events } = this.#parts.feed;
    if (this.#cursor > events.head) {
      this.#gap(events.head, `event ${this.#cursor} has not happened; the newest is ${events.head}`);
      return;
    }
    if (!this.#sendBatch() || this.#isReading) return;
    if (this.#cursor < events.floor) {
      void this.#read();
      return;
    }
    this.#sendNewest();
  }

  close(): void {
    this.#isClosed = true;
    this.#batch = [];
  }

  #sendNewest(): void {
    const { events } = this.#parts.feed;
    for (let scanned = 0; this.#cursor < events.head; scanned++) {
      if (scanned === MOST_SCANNED) {
        this.#outlet.wake();
        return;
      }
      const entry = events.at(this.#cursor + 1);
      if (matches(this.#filter, entry.event)) {
        if (!this.#outlet.hasRoom()) return;
        this.#send(entry);
      }
      this.#cursor += 1;
    }
    if (this.#told !== null && this.#cursor - this.#told < SYNC_EVERY) return;
    this.#outlet.send('synced', `"sequence":${this.#cursor}}`);
    this.#told = this.#cursor;
  }

  /** False: there is more of it. */
  #sendBatch(): boolean {
    for (; this.#sent < this.#batch.length; this.#sent++) {
      if (!this.#outlet.hasRoom()) return false;
      const event = this.#batch[this.#sent]!;
      this.#send({ event, text: null });
      this.#cursor = event.sequence;
    }
    if (this.#batchEnd > this.#cursor) this.#cursor = this.#batchEnd;
    this.#batch = [];
    this.#sent = 0;
    return true;
  }

  #send(entry: EventEntry): void {
    const { event } = entry;
    entry.text ??= `"sequence":${event.sequence},"event":${JSON.stringify(eventView(event))}}`;
    this.#outlet.send('event', entry.text);
    if (this.#told !== null) this.#told = event.sequence;
  }

  async #read(): Promise<void> {
    const { context, feed, outlet } = this.#parts;
    const after = this.#cursor;
    this.#isReading = true;
    try {
      const { head } = feed;
      const batch = await context.store.events(this.#filter, after, BATCH);
      // Afterwards: what retention has not removed by now was there when the batch was read.
      const [oldest] = await context.store.events({ namespaces: 'all' }, 0, 1);
      if (this.#isClosed) return;
      const floor = (oldest?.sequence ?? head + 1) - 1;
      if (floor > after) {
        this.#gap(floor, `events up to ${floor} are not kept any more`);
      } else {
        this.#batch = batch;
        this.#batchEnd = batch.length < BATCH ? head : 0;
      }
      this.#isReading = false;
      outlet.wake();
    } catch (error) {
      if (!this.#isClosed) outlet.fail(error);
    }
  }

  #gap(sequence: number, message: string): void {
    const after = this.#cursor;
    this.#cursor = sequence;
    this.#outlet.send('gap', `"after":${after},"sequence":${sequence},"message":${JSON.stringify(message)}}`);
    if (this.#told !== null) this.#told = sequence;
    this.#outlet.wake();
  }
}

function matches(filter: EventFilter, event: ClusterEvent): boolean {
  const { namespaces, taskId, workerId, kinds } = filter;
  return (
    (namespaces === 'all' || (event.namespace !== null && namespaces.includes(event.namespace))) &&
    (taskId === undefined || event.taskId === taskId) &&
    (workerId === undefined || event.workerId === workerId) &&
    (kinds === undefined || kinds.includes(event.kind))
  );
}
