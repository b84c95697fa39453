/** One text for one value, whatever the order in which it was built; and a short number for that text. */
import type { Engine } from '../engine.ts';
import type { Snapshot } from '../snapshot.ts';

export function canonical(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** 53 bits of hash: enough to tell states apart, small enough to print. Not for security. */
export function hashText(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(16).padStart(14, '0');
}

/** Everything that a store keeps of the engine, in one order. Times of heartbeats are not part of it. */
export function serialise(engine: Engine): string {
  const snapshot = engine.snapshot();
  const rows: Snapshot = {
    ...snapshot,
    tasks: by(snapshot.tasks, (task) => task.id),
    attempts: by(snapshot.attempts, (attempt) => `${attempt.taskId}/${String(attempt.number).padStart(6, '0')}`),
    idempotency: by(snapshot.idempotency, (record) => `${record.namespace}/${record.key}`),
  };
  return canonical(rows);
}

export function hashState(engine: Engine): string {
  return hashText(serialise(engine));
}

function by<T>(rows: readonly T[], key: (row: T) => string): T[] {
  return [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}
