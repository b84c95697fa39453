/** The filter of the task list, as it stands in the address. */
import type { TaskQuery } from '@cloudai/sdk';

export interface TaskFilter {
  readonly state?: string;
  readonly owner?: string;
  readonly worker?: string;
  readonly job?: string;
  readonly name?: string;
  readonly image?: string;
  readonly label?: string;
  readonly namespace?: string;
  readonly reason?: string;
  readonly id?: string;
  /** A part of name, image or id. */
  readonly q?: string;
  readonly order?: 'oldest' | 'priority';
}

export const TEXT_FILTERS = [
  'q',
  'name',
  'owner',
  'worker',
  'image',
  'label',
  'namespace',
  'reason',
  'job',
  'id',
] as const;
export type TextFilter = (typeof TEXT_FILTERS)[number];

/** What an address may hold; everything else in it is ignored. */
export function taskFilter(search: Readonly<Record<string, unknown>>): TaskFilter {
  const filter: Record<string, string> = {};
  for (const name of ['state', ...TEXT_FILTERS]) {
    const value = search[name];
    if ((typeof value === 'string' && value !== '') || typeof value === 'number') filter[name] = String(value);
  }
  if (search.order === 'oldest' || search.order === 'priority') filter.order = search.order;
  return filter;
}

/** With a field set, or taken out when the value is empty. */
export function withFilter(filter: TaskFilter, name: keyof TaskFilter, value: string): TaskFilter {
  const { [name]: _, ...rest } = filter;
  return value === '' ? rest : ({ ...rest, [name]: value } as TaskFilter);
}

/** States are separated by commas, as in the API. */
export function toggleState(filter: TaskFilter, state: string): TaskFilter {
  const states = statesOf(filter);
  const next = states.includes(state) ? states.filter((each) => each !== state) : [...states, state];
  return withFilter(filter, 'state', next.join(','));
}

export function statesOf(filter: TaskFilter): string[] {
  return filter.state === undefined ? [] : filter.state.split(',');
}

export function queryOf(filter: TaskFilter, limit: number): TaskQuery {
  return { ...filter, limit };
}
