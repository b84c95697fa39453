/** A reader of changed rows: it has a position and nothing else, and meets of every row the newest change only. */
import type { ChangeRing } from '../change-ring.ts';
import type { Feed } from '../feed.ts';
import { MOST_SCANNED, type Outlet, SYNC_EVERY } from '../source.ts';

export interface RowReaderOptions<Row> {
  readonly ring: ChangeRing<Row>;
  readonly feed: Pick<Feed, 'head'>;
  readonly outlet: Outlet;
  /** The sequence of what the reader has listed; from now without it. */
  readonly after: number | undefined;
  readonly what: string;
  /** Tells the reader of the change if it is one for it. False: there is no room, or it takes a while. */
  send(row: Row, sequence: number, key: string): boolean;
}

export class RowReader<Row> {
  /** Where it begins. */
  readonly sequence: number;
  readonly #options: RowReaderOptions<Row>;
  #position: number;
  /** What the reader knows of for certain. */
  #known: number;
  #told: number | null = null;
  #missing: string | null = null;

  constructor(options: RowReaderOptions<Row>) {
    const { ring, feed, after = feed.head } = options;
    this.#options = options;
    this.sequence = after;
    this.#known = after;
    const position = after > feed.head ? null : ring.positionAfter(after);
    if (options.after === undefined) this.#position = ring.next;
    else this.#position = position ?? ring.next;
    if (options.after === undefined || position !== null) return;
    this.#missing =
      after > feed.head
        ? `event ${after} has not happened; the newest is ${feed.head}`
        : `what changed since event ${after} is not kept any more`;
  }

  pump(): void {
    const { ring, feed, outlet, what, send } = this.#options;
    if (this.#position < ring.first) {
      this.#missing = 'the reader is too far behind';
      this.#position = ring.next;
    }
    if (this.#missing !== null) {
      const message = JSON.stringify(`${this.#missing}; list the ${what} again`);
      outlet.send('gap', `"after":${this.#known},"sequence":${feed.head},"message":${message}}`);
      this.#missing = null;
      this.#known = feed.head;
    }
    for (let scanned = 0; this.#position < ring.next; scanned++) {
      if (scanned === MOST_SCANNED) {
        outlet.wake();
        return;
      }
      const { isNewest, row, sequence, key } = ring.at(this.#position);
      if (isNewest && !send(row, sequence, key)) return;
      this.#position += 1;
      this.#known = sequence;
    }
    this.#known = feed.head;
    if (this.#told !== null && this.#known - this.#told < SYNC_EVERY) return;
    outlet.send('synced', `"sequence":${this.#known}}`);
    this.#told = this.#known;
  }
}
