/** For hints: did you mean ...? */

/** The known name with the fewest edits, if they are few; null when nothing is near. */
export function nearest(
  name: string,
  known: readonly string[],
  limit = Math.max(1, Math.floor(name.length / 3)),
): string | null {
  let best: string | null = null;
  let fewest = limit + 1;
  for (const candidate of known) {
    const distance = edits(name.toLowerCase(), candidate.toLowerCase(), limit);
    if (distance < fewest) [best, fewest] = [candidate, distance];
  }
  return best;
}

/** Levenshtein distance; more than `limit` is not told apart. */
function edits(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit || a.length > 64 || b.length > 64) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
