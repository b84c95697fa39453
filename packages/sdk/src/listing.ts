import type { List } from '@cloudai/api/rest';

export interface ListPage<T> extends List<T> {
  /** Event sequence that the page is at least as new as: a watch goes on `after` it without a gap. */
  readonly sequence: number | null;
}

/**
 * A list of the API. `for await` walks through all pages; `page()` fetches a single one.
 * Nothing is asked of the server before one of them is used.
 */
export class Listing<T> implements AsyncIterable<T> {
  readonly #fetchPage: (cursor: string | null) => Promise<ListPage<T>>;

  constructor(fetchPage: (cursor: string | null) => Promise<ListPage<T>>) {
    this.#fetchPage = fetchPage;
  }

  /** The page at a cursor that an earlier page gave as `next`; the first one without it. */
  page(cursor: string | null = null): Promise<ListPage<T>> {
    return this.#fetchPage(cursor);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    let cursor: string | null = null;
    do {
      const page: ListPage<T> = await this.#fetchPage(cursor);
      yield* page.items;
      cursor = page.next;
    } while (cursor !== null);
  }

  /** At most `limit` items in one array. */
  async take(limit: number): Promise<T[]> {
    const items: T[] = [];
    if (limit <= 0) return items;
    for await (const item of this) {
      items.push(item);
      if (items.length >= limit) break;
    }
    return items;
  }
}
