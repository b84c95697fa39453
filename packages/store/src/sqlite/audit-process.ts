/**
 * The audit of a store as a process of its own: `node audit-process.ts PATH`. A thread could not be ended in the middle
 * of a long statement, and would take its share of the processor from the commits.
 */
import os from 'node:os';
import type { Finding } from '../store.ts';
import { connectForReading } from './connection.ts';
import { audit } from './fsck.ts';

export type AuditAnswer = { readonly findings: readonly Finding[] } | { readonly failure: string };

const [path = ''] = process.argv.slice(2);
os.setPriority(os.constants.priority.PRIORITY_LOW);
process.send?.(answer(), () => process.disconnect());

function answer(): AuditAnswer {
  try {
    const db = connectForReading(path);
    try {
      return { findings: audit(db, 'each') };
    } finally {
      db.close();
    }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
