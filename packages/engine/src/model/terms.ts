/**
 * What a task asks of the scheduler beside an amount of resources. All of it may be left out, and is left out of specs
 * that do not say it, so that plain tasks stay small and equal ones equal.
 */
import { ANY_MODEL } from './gpu.ts';
import type { TaskSpec } from './task.ts';

export interface SchedulingTerms {
  /** GPU models that will do; none named: any. */
  readonly gpuModels: readonly string[];
  /** How long the submitter expects one attempt to run, ms. Orders the queue; nothing happens when it is wrong. */
  readonly expectedMs: number | null;
  /** Starts together with all other tasks of its job that say so, or not at all. */
  readonly gang: boolean;
  /** May be stopped and queued again to make room for a task of higher priority. Default true. */
  readonly preemptible: boolean;
  /** Has to run where a task with these labels runs. */
  readonly near: readonly TaskAffinity[];
  /** May not run where a task with these labels runs. */
  readonly apart: readonly TaskAffinity[];
  /** Tasks with these labels are spread evenly. */
  readonly spread: readonly TaskSpread[];
}

/** Other tasks of the namespace, live ones, by their labels. */
export interface TaskAffinity {
  readonly labels: Readonly<Record<string, string>>;
  /** Workers with the same value of this label are one place; null: every worker is a place of its own. */
  readonly by: string | null;
}

export interface TaskSpread extends TaskAffinity {
  /** How many more of them a place may have than the place with the fewest. */
  readonly maxSkew: number;
}

/** More terms than this make every placement expensive. */
export const MAX_AFFINITIES = 16;
export const MAX_GPU_MODELS = 32;

const NO_AFFINITY: readonly TaskAffinity[] = Object.freeze([]);
const NO_SPREAD: readonly TaskSpread[] = Object.freeze([]);

export function gpuModelsOf(spec: Pick<TaskSpec, 'terms'>): readonly string[] {
  return spec.terms?.gpuModels ?? ANY_MODEL;
}

export function nearOf(spec: Pick<TaskSpec, 'terms'>): readonly TaskAffinity[] {
  return spec.terms?.near ?? NO_AFFINITY;
}

export function apartOf(spec: Pick<TaskSpec, 'terms'>): readonly TaskAffinity[] {
  return spec.terms?.apart ?? NO_AFFINITY;
}

export function spreadOf(spec: Pick<TaskSpec, 'terms'>): readonly TaskSpread[] {
  return spec.terms?.spread ?? NO_SPREAD;
}

/** Whether a task has anything to say about others. */
export function mindsOthers(spec: Pick<TaskSpec, 'terms'>): boolean {
  return nearOf(spec).length + apartOf(spec).length + spreadOf(spec).length > 0;
}

export function isPreemptible(spec: Pick<TaskSpec, 'terms'>): boolean {
  return spec.terms?.preemptible ?? true;
}

export function isGangMember(spec: Pick<TaskSpec, 'terms'>): boolean {
  return spec.terms?.gang ?? false;
}

/** What is wrong with the terms, as a sentence; null when they are sound. */
export function termsProblem({ terms }: Pick<TaskSpec, 'terms'>): string | null {
  if (terms === undefined) return null;
  const models = terms.gpuModels ?? [];
  if (models.length > MAX_GPU_MODELS)
    return `${models.length} GPU models are named; at most ${MAX_GPU_MODELS} are allowed.`;
  if (models.includes('')) return 'A GPU model must not be empty.';
  const expected = terms.expectedMs ?? null;
  if (expected !== null && !(Number.isSafeInteger(expected) && expected >= 1))
    return `expectedMs is ${expected}; it has to be a whole number from 1.`;
  const affinities = [...(terms.near ?? []), ...(terms.apart ?? []), ...(terms.spread ?? [])];
  if (affinities.length > MAX_AFFINITIES)
    return `${affinities.length} affinities are named; at most ${MAX_AFFINITIES} are allowed.`;
  if (affinities.some(({ labels }) => Object.keys(labels).length === 0))
    return 'An affinity has to name at least one label of the tasks that it is about.';
  const skew = terms.spread?.find(({ maxSkew }) => !(Number.isSafeInteger(maxSkew) && maxSkew >= 1));
  return skew === undefined ? null : `maxSkew is ${skew.maxSkew}; it has to be a whole number from 1.`;
}
