import {
  BACKFILLS,
  type Backfill,
  type Command,
  DEFAULT_BACKFILL,
  isBackfill,
  orderingPolicies,
  orderingPolicy,
  placementPolicies,
  placementPolicy,
} from '@cloudai/engine';

/** A way to schedule, as the live cluster would be told to. */
export interface Scheduler {
  readonly name: string;
  readonly commands: readonly Command[];
}

export interface SchedulerSettings {
  /** Null: never. */
  readonly starvationMs: number | null;
}

/**
 * By name: a placement policy, and after slashes an order of the queue and what happens behind a task that does not
 * fit, as in `best-fit/saf/easy`. Throws a `RangeError` that names those that there are.
 */
export function scheduler(name: string, settings: Partial<SchedulerSettings> = {}): Scheduler {
  const [placement = '', order, backfill, ...rest] = name.split('/');
  if (placementPolicy(placement) === null || placement === 'external' || rest.length > 0)
    throw new RangeError(`There is no scheduler ${name}; there are ${placements().join(', ')}.`);
  if (order !== undefined && orderingPolicy(order) === null)
    throw new RangeError(`There is no order ${order}; there are ${orders().join(', ')}.`);
  if (backfill !== undefined && !isBackfill(backfill))
    throw new RangeError(`There is no backfilling ${backfill}; there is ${BACKFILLS.join(', ')}.`);
  const chosen = { ordering: order ?? null, backfill: (backfill as Backfill | undefined) ?? DEFAULT_BACKFILL };
  return {
    name,
    commands: [{ kind: 'useScheduler', placement, settings: { ...chosen, ...settings }, by: 'simulator' }],
  };
}

/** Every placement policy with the order of the queue as it is, then every order with best fit and EASY backfilling. */
export function schedulerNames(): string[] {
  return [...placements(), ...orders().map((order) => `best-fit/${order}/easy`)];
}

/** Those that decide by themselves; one that asks somebody outside has nobody to ask here. */
function placements(): string[] {
  return placementPolicies()
    .map((policy) => policy.name)
    .filter((name) => name !== 'external');
}

function orders(): string[] {
  return orderingPolicies().map((order) => order.name);
}
