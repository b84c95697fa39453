/** `from`: the task whose spec is the start. */
export function submitSearch(search: Readonly<Record<string, unknown>>): { readonly from?: string } {
  return typeof search.from === 'string' && search.from !== '' ? { from: search.from } : {};
}
