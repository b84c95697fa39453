/**
 * The audit of the store that every start is followed by, in the background: what a crash, a disk or a defect did to the
 * rows is told soon, not when somebody happens to look.
 *
 * pending   it has not begun
 * running   it goes on
 * sound     nothing was found
 * findings  rows that contradict each other, or are not as they were written; the log has them
 * failed    it could not be finished; the log says why
 */
import type { Finding, Store } from '@cloudai/store';

export interface StoreAuditView {
  readonly state: 'pending' | 'running' | 'sound' | 'findings' | 'failed';
  readonly findings: number;
  /** When it ended, Unix ms. */
  readonly endedAt: number | null;
}

export interface StoreAuditOptions {
  readonly store: Pick<Store, 'fsck'>;
  /** After the start, when workers have come back and users are served. */
  readonly afterMs: number;
  now(): number;
  onFindings(findings: readonly Finding[]): void;
  onError(error: unknown): void;
}

export class StoreAudit {
  readonly #options: StoreAuditOptions;
  readonly #leaving = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #view: StoreAuditView = { state: 'pending', findings: 0, endedAt: null };

  constructor(options: StoreAuditOptions) {
    this.#options = options;
  }

  get view(): StoreAuditView {
    return this.#view;
  }

  start(): void {
    this.#timer = setTimeout(() => void this.run(), this.#options.afterMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#leaving.abort();
  }

  /** Never rejects. */
  async run(): Promise<void> {
    const { store, now, onFindings, onError } = this.#options;
    this.#view = { ...this.#view, state: 'running' };
    try {
      const findings = await store.fsck(this.#leaving.signal);
      this.#view = {
        state: findings.length === 0 ? 'sound' : 'findings',
        findings: findings.length,
        endedAt: now(),
      };
      if (findings.length > 0) onFindings(findings);
    } catch (error) {
      if (this.#leaving.signal.aborted) return;
      this.#view = { state: 'failed', findings: 0, endedAt: now() };
      onError(error);
    }
  }
}
