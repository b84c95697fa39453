export interface EventFilter {
  readonly worker?: string;
  readonly kind?: string;
}

export function eventFilter(search: Readonly<Record<string, unknown>>): EventFilter {
  const filter: Record<string, string> = {};
  for (const name of ['worker', 'kind']) {
    const value = search[name];
    if (typeof value === 'string' && value !== '') filter[name] = value;
  }
  return filter;
}
