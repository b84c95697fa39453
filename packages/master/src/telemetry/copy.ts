/** A copy of the telemetry for a backup, while its master writes or not. */
import { stat } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';

export const TELEMETRY_FILE = 'telemetry.db';

/** False: there is none, or it can not be read. Charts are never worth a failed backup. */
export async function copyTelemetry(from: string, to: string): Promise<boolean> {
  const there = await stat(from).catch(() => null); // A master that never kept any.
  if (there === null) return false;
  try {
    const db = new DatabaseSync(from, { readOnly: true, timeout: 5_000 });
    try {
      db.prepare('VACUUM INTO ?').run(to);
    } finally {
      db.close();
    }
    return true;
  } catch {
    return false; // Damaged, or of another program: the master moves it aside at its next start and says so.
  }
}
