/** A span that is over. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Null: the root. */
  readonly parentId: string | null;
  readonly name: string;
  /** Unix ms, with fractions where they are known. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Why it failed; null when it did not. */
  readonly error: string | null;
}

/** Where spans go. Never blocks and never throws; what can not be sent is dropped, within bounds. */
export interface TraceSink {
  /** Whether this trace is among those that are sent; the same for all of its spans. */
  wants(traceId: string): boolean;
  add(span: Span): void;
  /** Sends what waits. */
  close(): Promise<void>;
}
