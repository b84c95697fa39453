/** Queue and cluster: the whole picture, now and at most twice a second while it changes. */
import type { ClusterSubscription, QueueSubscription } from '@cloudai/api/watch';
import { Rejected } from '../../operations/index.ts';
import { Unavailable } from '../../unavailable.ts';
import { callOf } from '../call.ts';
import { type Source, type SourceParts, visibilityOf } from '../source.ts';

const EVERY_MS = 500;
/** Ages grow without a change, too. */
const AT_LEAST_EVERY_MS = 5_000;

export function openQueue(parts: SourceParts, { namespace, limit }: QueueSubscription): Source {
  const { context, operations, subject } = parts;
  const query = { ...(namespace === undefined ? {} : { namespace }), ...(limit === undefined ? {} : { limit }) };
  return new ViewSource(parts, 'queue', JSON.stringify(query), () =>
    operations.perform('getQueue', callOf(context, subject, 'getQueue'), { params: {}, query, body: undefined }),
  );
}

export function openCluster(parts: SourceParts, _request: ClusterSubscription): Source {
  const { context, operations, subject } = parts;
  return new ViewSource(parts, 'cluster', '', () =>
    operations.perform('getCluster', callOf(context, subject, 'getCluster'), {
      params: {},
      query: {},
      body: undefined,
    }),
  );
}

class ViewSource implements Source {
  readonly sequence: number;
  readonly #parts: SourceParts;
  readonly #kind: 'queue' | 'cluster';
  readonly #key: string;
  readonly #read: () => Promise<unknown>;
  #shown = -1;
  #readAt = Number.NEGATIVE_INFINITY;
  #isReading = false;
  #next: string | null = null;
  #isClosed = false;

  constructor(parts: SourceParts, kind: 'queue' | 'cluster', key: string, read: () => Promise<unknown>) {
    this.#parts = parts;
    this.#kind = kind;
    this.#key = `${kind} ${visibilityOf(parts.subject)} ${key}`;
    this.#read = read;
    this.sequence = parts.feed.head;
  }

  pump(): void {
    const { outlet } = this.#parts;
    if (this.#next !== null && outlet.hasRoom()) {
      outlet.send(this.#kind, this.#next);
      this.#next = null;
    }
  }

  tick(now: number): void {
    const { version } = this.#parts.feed;
    // One that is not read yet is the newest for its reader: nothing further is made for it meanwhile.
    if (this.#isReading || this.#next !== null) return;
    const age = now - this.#readAt;
    if (version === this.#shown ? age < AT_LEAST_EVERY_MS : age < EVERY_MS) return;
    this.#readAt = now;
    this.#shown = version;
    this.#isReading = true;
    void this.#fetch(now);
  }

  close(): void {
    this.#isClosed = true;
    this.#next = null;
  }

  async #fetch(now: number): Promise<void> {
    const { feed, shared, outlet } = this.#parts;
    try {
      const compute = async () => `"sequence":${feed.head},"${this.#kind}":${JSON.stringify(await this.#read())}}`;
      const text = await shared.get(this.#key, `${this.#shown} ${Math.floor(now / AT_LEAST_EVERY_MS)}`, compute);
      if (this.#isClosed) return;
      this.#next = text;
      outlet.wake();
    } catch (error) {
      if (this.#isClosed) return;
      if (error instanceof Unavailable || (error instanceof Rejected && error.code === 'unavailable')) this.#shown = -1;
      else outlet.fail(error);
    } finally {
      this.#isReading = false;
    }
  }
}
