import type { Resources } from '../model/resources.ts';
import type { Scorer, ScoringPolicy } from '../policy/policy.ts';
import { CandidateHeap } from './candidate-heap.ts';
import { CandidateLists } from './candidates.ts';
import type { WaitingClass } from './queue.ts';
import type { Finder, ScratchRoom } from './scratch-room.ts';

export class ScoringFinder implements Finder {
  readonly #name: string;
  readonly #scorer: Scorer;
  readonly #candidates: CandidateLists;
  readonly #heaps = new Map<WaitingClass, CandidateHeap>();
  /** Every worker placed on so far, in order: what a heap has to score again since it was last used. */
  readonly #log: ScratchRoom[] = [];
  readonly cursor = null;

  constructor(policy: ScoringPolicy, rooms: readonly ScratchRoom[]) {
    this.#name = policy.name;
    this.#scorer = policy.prepare(rooms);
    this.#candidates = new CandidateLists(rooms);
  }

  find(group: WaitingClass): ScratchRoom | null {
    const heap = this.#heaps.get(group);
    if (heap !== undefined) return heap.best(this.#log);
    const rooms = this.#candidates.of(group);
    if (group.size === 1) return bestOf(group.request, rooms, this.#scorer);
    const built = new CandidateHeap(group, rooms, this.#scorer, this.#log.length);
    this.#heaps.set(group, built);
    return built.best(this.#log);
  }

  placed(room: ScratchRoom): void {
    this.#log.push(room);
  }

  describe(group: WaitingClass, room: ScratchRoom): string {
    return describeScore(this.#name, this.#scorer.parts(group.request, room));
  }
}

/** `greedy: freeCpu 12` */
function describeScore(name: string, parts: Readonly<Record<string, number>>): string {
  let text = `${name}:`;
  for (const part in parts) text += ` ${part} ${Math.round(parts[part]! * 1000) / 1000}`;
  return text;
}

/** A class with one task needs no heap. */
function bestOf(request: Resources, rooms: readonly ScratchRoom[], scorer: Scorer): ScratchRoom | null {
  let best: ScratchRoom | null = null;
  let bestScore = 0;
  for (const room of rooms) {
    if (!room.ledger.fits(request)) continue;
    const score = scorer.score(request, room);
    if (best === null || score > bestScore) {
      best = room;
      bestScore = score;
    }
  }
  return best;
}
