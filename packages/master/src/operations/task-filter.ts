/** From the query of a task list to the filter of the store. Bulk operations take the same words. */
import { TASK_STATES, type TaskSelection } from '@cloudai/api/rest';
import type { EndReason, TaskState } from '@cloudai/engine';
import type { TaskFilter } from '@cloudai/store';
import { type Call, namespacesOf } from './call.ts';
import { invalid } from './rejected.ts';
import { readMoment } from './submission.ts';

type FilterInput = NonNullable<TaskSelection['filter']>;

/** Durations in it count back from `now`. */
export function readTaskFilter(call: Call, input: FilterInput, now: number = Date.now()): TaskFilter {
  const { owner, name, image } = input;
  return {
    namespaces: namespacesOf(call, input.namespace),
    ...(input.state === undefined ? {} : { states: readStates(input.state) }),
    ...(input.reason === undefined ? {} : { reasons: splitList(input.reason) as EndReason[] }),
    ...(owner === undefined ? {} : { owner }),
    ...(name === undefined ? {} : { name }),
    ...(image === undefined ? {} : { image }),
    ...(input.worker === undefined ? {} : { workerId: input.worker }),
    ...(input.job === undefined ? {} : { jobId: input.job }),
    ...(input.id === undefined ? {} : { idPrefix: input.id }),
    ...(input.q === undefined ? {} : { search: input.q }),
    ...(input.label === undefined ? {} : { labels: readLabelPairs(input.label) }),
    ...(input.submittedAfter === undefined
      ? {}
      : { submittedAfter: readMoment(input.submittedAfter, 'submittedAfter', now) }),
    ...(input.submittedBefore === undefined
      ? {}
      : { submittedBefore: readMoment(input.submittedBefore, 'submittedBefore', now) }),
  };
}

export function readStates(text: string): TaskState[] {
  return splitList(text).map((word) => {
    const state = TASK_STATES.find((known) => known === word);
    if (state === undefined) throw invalid('state', `${word} is not one of ${TASK_STATES.join(', ')}`);
    return state;
  });
}

export function readLabelPairs(text: string): Record<string, string> {
  const pairs = splitList(text).map((pair): [string, string] => {
    const equals = pair.indexOf('=');
    if (equals < 1) throw invalid('label', `${pair} is not of the form key=value`);
    return [pair.slice(0, equals), pair.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}

export function splitList(text: string): string[] {
  return text.split(',').filter((word) => word !== '');
}
