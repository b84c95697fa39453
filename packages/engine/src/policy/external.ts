/**
 * The policy `external`: an agent outside of the master decides, as long as it answers in time (`stages/lease.ts`). What
 * stands here places when it does not.
 */
import { balanced } from './balanced.ts';
import type { PlacementPolicy } from './policy.ts';

export const FALLBACK: PlacementPolicy = balanced;

export const external: PlacementPolicy = {
  ...FALLBACK,
  name: 'external',
  summary: `Leaves waiting tasks to an external scheduler; as ${FALLBACK.name} while none answers in time.`,
  source: 'docs/guides/grpc.md',
};
