/** The placement policies by name, as `useScheduler` knows them. */
import { ai } from './ai.ts';
import { aiAggressive } from './ai-aggressive.ts';
import { balanced } from './balanced.ts';
import { bestFit } from './best-fit.ts';
import { dotProduct } from './dot-product.ts';
import { external } from './external.ts';
import { fgd } from './fgd.ts';
import { gpuClustering } from './gpu-clustering.ts';
import { gpuPacking } from './gpu-packing.ts';
import { greedy } from './greedy.ts';
import type { PlacementPolicy } from './policy.ts';
import { random } from './random.ts';
import { roundRobin } from './round-robin.ts';
import { rts } from './rts.ts';
import { learned } from './shipped-models.ts';
import { worstFit } from './worst-fit.ts';

export const DEFAULT_PLACEMENT = roundRobin.name;

const POLICIES: readonly PlacementPolicy[] = [
  roundRobin,
  random,
  greedy,
  balanced,
  bestFit,
  worstFit,
  dotProduct,
  gpuPacking,
  gpuClustering,
  fgd,
  rts,
  ai,
  aiAggressive,
  learned,
  external,
];

export function placementPolicy(name: string): PlacementPolicy | null {
  return POLICIES.find((policy) => policy.name === name) ?? null;
}

export function placementPolicies(): readonly PlacementPolicy[] {
  return POLICIES;
}
