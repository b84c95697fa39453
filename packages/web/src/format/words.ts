/** Codes of the API as people read them: `worker_lost` → `worker lost`. */
export function words(code: string): string {
  return code.replaceAll('_', ' ');
}

/** Enough of an id to tell it from others; every command and field takes such a beginning of one. */
export function shortId(id: string): string {
  return id.length <= 13 ? id : id.slice(0, 13);
}
