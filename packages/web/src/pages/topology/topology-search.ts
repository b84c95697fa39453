import { RESOURCES, type ResourceName } from '../../format/amount.ts';

/** By which resource the tasks are drawn to scale; CPU without it. */
export function topologySearch(search: Readonly<Record<string, unknown>>): { readonly by?: ResourceName } {
  const by = RESOURCES.find((each) => each === search.by);
  return by === undefined ? {} : { by };
}
