/**
 * Half a surrogate pair is no character: JSON can carry it, UTF-8 can not. It would come back from the store, a log or a
 * container as another text than was sent, so it is refused wherever it is found.
 */

/** Path of the first text that is not valid Unicode, as `tasks[3].env.KEY`; null if all are. */
export function illFormedField(value: unknown, at = ''): string | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : at;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const found = illFormedField(item, `${at}[${index}]`);
      if (found !== null) return found;
    }
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, item] of Object.entries(value)) {
    const path = at === '' ? key : `${at}.${key}`;
    if (!key.isWellFormed()) return path.toWellFormed();
    const found = illFormedField(item, path);
    if (found !== null) return found;
  }
  return null;
}
