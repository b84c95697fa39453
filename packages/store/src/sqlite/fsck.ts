import type { DatabaseSync } from 'node:sqlite';
import type { Finding } from '../store.ts';

export function audit(db: DatabaseSync): Finding[] {
  const rows = db.prepare('PRAGMA integrity_check(100)').all();
  return rows
    .map((row) => String(row.integrity_check))
    .filter((text) => text !== 'ok')
    .map((message) => ({ invariant: 'integrity', message }));
}
