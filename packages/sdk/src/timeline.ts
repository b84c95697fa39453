/** Which part of a timeline: after an event the oldest first, or before one the newest first. */
export interface Timeline {
  readonly after?: number;
  readonly before?: number;
  readonly order?: 'oldest' | 'newest';
  readonly limit?: number;
}

/** The query in which `next` of a page goes back. */
export function timelineCursor({ order }: Timeline): 'after' | 'before' {
  return order === 'newest' ? 'before' : 'after';
}
