/** The placement policies by name, as `useScheduler` knows them. */
import { balanced } from './balanced.ts';
import { external } from './external.ts';
import { greedy } from './greedy.ts';
import type { PlacementPolicy } from './policy.ts';
import { roundRobin } from './round-robin.ts';

export const DEFAULT_PLACEMENT = roundRobin.name;

const POLICIES: readonly PlacementPolicy[] = [roundRobin, greedy, balanced, external];

export function placementPolicy(name: string): PlacementPolicy | null {
  return POLICIES.find((policy) => policy.name === name) ?? null;
}

export function placementPolicies(): readonly PlacementPolicy[] {
  return POLICIES;
}
