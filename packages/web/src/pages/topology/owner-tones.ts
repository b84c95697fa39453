const TONES = ['text-cpu', 'text-completed', 'text-gpu', 'text-memory', 'text-storage', 'text-failed', 'text-queued'];

/** A colour for each owner; beyond the palette they share one, and the name tells them apart. */
export function ownerTones(owners: readonly string[]): ReadonlyMap<string, string> {
  const distinct = [...new Set(owners)].sort();
  return new Map(distinct.map((owner, index) => [owner, TONES[index % TONES.length]!]));
}
