import type { Ask, Scorer } from '../policy/policy.ts';
import type { ScratchCluster } from './scratch-cluster.ts';

/** Building costs as much as a few scans; a class whose tasks come in pairs is not worth it. */
const BUILD_AFTER = 2;

/**
 * The workers with room for one class, best first, in a binary heap of columns.
 *
 * A placement, of whichever class, changes the score of the chosen worker only; its entry is then stale, known by its
 * stamp. Where placements never raise scores (`spreads`) a stale score is still an upper bound, and it is enough to
 * score an entry again when it comes to the top. Otherwise the workers that were placed on since the heap was last
 * used are scored and pushed anew, and stale entries are dropped when they come up.
 */
export class CandidateHeap {
  readonly #ask: Ask;
  /** The rows it is about, ascending. */
  readonly #candidates: Int32Array;
  readonly #scorer: Scorer;
  readonly #cluster: ScratchCluster;
  #rows = NO_ROWS;
  #scores = NO_SCORES;
  /** The worker's stamp when it was scored. */
  #stamps = NO_STAMPS;
  #size = 0;
  /** How long the cluster's log was when the class last had a task. */
  #asked = Number.NEGATIVE_INFINITY;
  /** Tasks in a row that came soon after the one before. */
  #streak = 0;
  /** How much of the log the heap has taken in; null while there is no heap. */
  #seen: number | null = null;

  constructor(ask: Ask, candidates: Int32Array, scorer: Scorer, cluster: ScratchCluster) {
    this.#ask = ask;
    this.#candidates = candidates;
    this.#scorer = scorer;
    this.#cluster = cluster;
  }

  /**
   * Brings the heap up to date, if that is less work than looking at every worker once. That is so where tasks of the
   * class follow each other closely; otherwise it answers false, and is not to be asked for the best.
   */
  catchUp(): boolean {
    const now = this.#cluster.log.length;
    this.#streak = now - this.#asked <= this.#candidates.length >> 5 ? this.#streak + 1 : 0;
    this.#asked = now;
    if (this.#streak === 0) this.#seen = null;
    else if (this.#seen !== null && !this.#scorer.spreads) this.#takeInLog(this.#seen);
    else if (this.#seen === null && this.#streak >= BUILD_AFTER) this.#build();
    return this.#seen !== null;
  }

  /** The row of the best worker with room, or -1. */
  best(): number {
    const { stamps } = this.#cluster;
    while (this.#size > 0) {
      const row = this.#rows[0]!;
      if (this.#stamps[0] === stamps[row]) return row;
      if (this.#scorer.spreads && this.#cluster.fits(row, this.#ask))
        this.#siftDown(0, row, this.#scoreOf(row), stamps[row]!);
      else this.#dropTop();
    }
    return -1;
  }

  #build(): void {
    if (this.#rows.length === 0) this.#allot();
    const rows = this.#rows;
    rows.set(this.#candidates);
    this.#size = this.#cluster.keepFitting(this.#ask, rows, this.#candidates.length);
    this.#scorer.score(this.#ask, rows, this.#size, this.#scores);
    for (let at = 0; at < this.#size; at++) this.#stamps[at] = this.#cluster.stamps[rows[at]!]!;
    for (let at = (this.#size >> 1) - 1; at >= 0; at--)
      this.#siftDown(at, rows[at]!, this.#scores[at]!, this.#stamps[at]!);
    this.#seen = this.#cluster.log.length;
  }

  #allot(): void {
    // Twice the candidates where newer entries are pushed beside stale ones.
    const space = this.#scorer.spreads ? this.#candidates.length : 2 * this.#candidates.length;
    this.#rows = new Int32Array(space);
    this.#scores = new Float64Array(space);
    this.#stamps = new Uint32Array(space);
  }

  #takeInLog(seen: number): void {
    const { log } = this.#cluster;
    if (this.#size + log.length - seen > this.#rows.length) {
      this.#build();
      return;
    }
    for (let at = seen; at < log.length; at++) {
      const row = log[at]!;
      if (this.#isCandidate(row) && this.#cluster.fits(row, this.#ask)) this.#push(row, this.#scoreOf(row));
    }
    this.#seen = log.length;
  }

  #isCandidate(row: number): boolean {
    const rows = this.#candidates;
    if (rows.length === this.#cluster.count) return true;
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle]! < row) low = middle + 1;
      else high = middle;
    }
    return rows[low] === row;
  }

  #scoreOf(row: number): number {
    ONE_ROW[0] = row;
    this.#scorer.score(this.#ask, ONE_ROW, 1, ONE_SCORE);
    return ONE_SCORE[0]!;
  }

  #push(row: number, score: number): void {
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBetter(score, row, this.#scores[parent]!, this.#rows[parent]!)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, row, score, this.#cluster.stamps[row]!);
  }

  #dropTop(): void {
    const last = --this.#size;
    if (last > 0) this.#siftDown(0, this.#rows[last]!, this.#scores[last]!, this.#stamps[last]!);
  }

  /** Puts an entry at `start` or below it, where it belongs. */
  #siftDown(start: number, row: number, score: number, stamp: number): void {
    const rows = this.#rows;
    const scores = this.#scores;
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && isBetter(scores[child + 1]!, rows[child + 1]!, scores[child]!, rows[child]!))
        child++;
      if (!isBetter(scores[child]!, rows[child]!, score, row)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, row, score, stamp);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#rows[from]!, this.#scores[from]!, this.#stamps[from]!);
  }

  #put(at: number, row: number, score: number, stamp: number): void {
    this.#rows[at] = row;
    this.#scores[at] = score;
    this.#stamps[at] = stamp;
  }
}

const NO_ROWS = new Int32Array(0);
const NO_SCORES = new Float64Array(0);
const NO_STAMPS = new Uint32Array(0);

/** For scoring a single row; the engine does one thing at a time. */
const ONE_ROW = new Int32Array(1);
const ONE_SCORE = new Float64Array(1);

/** Ties go to the smaller worker id. */
function isBetter(score: number, row: number, otherScore: number, otherRow: number): boolean {
  return score !== otherScore ? score > otherScore : row < otherRow;
}
