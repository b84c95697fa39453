/** What is kept of workers, attempts and the cluster: names in the order of their columns. */
import {
  ATTEMPT_SERIES,
  type AttemptSeries,
  CLUSTER_SERIES,
  type ClusterSeries,
  WORKER_SERIES,
  type WorkerSeries,
} from '@cloudai/api/rest';

export interface Fields<Name extends string = string> {
  readonly names: readonly Name[];
  /** Columns of counts: a longer step has their sum, not their mean. */
  readonly isCount: readonly boolean[];
}

export const WORKER_FIELDS: Fields<WorkerSeries> = fieldsOf(WORKER_SERIES, []);
export const ATTEMPT_FIELDS: Fields<AttemptSeries> = fieldsOf(ATTEMPT_SERIES, []);
export const CLUSTER_COUNTS = ['submitted', 'started', 'completed', 'failed', 'cancelled'] as const;
export const CLUSTER_FIELDS: Fields<ClusterSeries> = fieldsOf(CLUSTER_SERIES, CLUSTER_COUNTS);

/** A row of values in the order of the names; NaN where nothing was measured. */
export function rowOf<Name extends string>(
  { names }: Fields<Name>,
  values: Readonly<Partial<Record<Name, number>>>,
): number[] {
  return names.map((name) => values[name] ?? Number.NaN);
}

function fieldsOf<Name extends string>(series: Readonly<Record<Name, string>>, counts: readonly Name[]): Fields<Name> {
  const names = Object.keys(series) as Name[];
  return { names, isCount: names.map((name) => counts.includes(name)) };
}
