import { type Command, placementPolicies } from '@cloudai/engine';

/** A way to schedule, as the live cluster would be told to. */
export interface Scheduler {
  readonly name: string;
  readonly commands: readonly Command[];
}

/** By the name of its placement policy. Throws when there is none of that name. */
export function scheduler(placement: string): Scheduler {
  const known = schedulerNames();
  if (!known.includes(placement))
    throw new RangeError(`There is no scheduler ${placement}; there are ${known.join(', ')}.`);
  return { name: placement, commands: [{ kind: 'useScheduler', placement, by: 'simulator' }] };
}

/** Policies that decide by themselves; one that asks somebody outside has nobody to ask here. */
export function schedulerNames(): string[] {
  return placementPolicies()
    .map((policy) => policy.name)
    .filter((name) => name !== 'external');
}
