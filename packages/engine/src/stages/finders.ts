import { type Knowledge, NOTHING_KNOWN, type PlacementPolicy } from '../policy/policy.ts';
import { CyclingFinder } from './cycling-finder.ts';
import { DrawingFinder } from './drawing-finder.ts';
import type { Finder } from './finder.ts';
import { ScoringFinder } from './scoring-finder.ts';
import type { ScratchCluster } from './scratch-cluster.ts';

/** What a policy goes on from, chance and knowledge included. */
export interface FinderStart {
  readonly cursor: string | null;
  readonly seed?: number;
  readonly knowledge?: Knowledge;
}

export function finderOf(policy: PlacementPolicy, cluster: ScratchCluster, start: FinderStart): Finder {
  switch (policy.kind) {
    case 'cycling':
      return new CyclingFinder(policy, cluster, start.cursor);
    case 'drawing':
      return new DrawingFinder(policy, cluster, start.seed ?? 0);
    case 'scoring':
      return new ScoringFinder(policy, cluster, start.knowledge ?? NOTHING_KNOWN);
  }
}
