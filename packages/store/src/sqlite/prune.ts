/** Forgetting, a bounded step at a time, so that commits go on in between. */
import type { Retention } from '../store.ts';
import type { Statements } from './connection.ts';
import { HOLDING } from './schema.ts';

const TASKS_A_STEP = 500;
const EVENTS_A_STEP = 5_000;

export interface PruneStep {
  readonly taskIds: readonly string[];
  readonly events: number;
  /** false: there may be more. */
  readonly done: boolean;
}

/**
 * Ended tasks with their attempts and labels, and the jobs and specs that nothing needs any more. A task whose attempt
 * still holds a reservation stays: its worker has yet to say that the process is gone.
 */
export function pruneTasks(statements: Statements, retention: Retention, now: number): PruneStep {
  if (retention.endedTasksMs === null) return { taskIds: [], events: 0, done: true };
  const rows = statements.all(
    `SELECT sequence, id, spec, job_id FROM task INDEXED BY task_ended
      WHERE ended_at IS NOT NULL AND ended_at < ?
        AND NOT EXISTS (SELECT 1 FROM attempt INDEXED BY attempt_holding WHERE task = task.sequence AND ${HOLDING})
      ORDER BY ended_at LIMIT ?`,
    now - retention.endedTasksMs,
    TASKS_A_STEP,
  );
  const specs = new Set<number>();
  const jobs = new Set<string>();
  for (const [sequence, , spec, job] of rows) {
    statements
      .get(
        `DELETE FROM label WHERE task = ?1 AND (key, value) IN (
           SELECT entry.key, entry.value FROM spec, json_each(spec.spec, '$.labels') AS entry WHERE spec.id = ?2)`,
      )
      .run(sequence!, spec!);
    statements.get('DELETE FROM attempt WHERE task = ?').run(sequence!);
    statements.get('DELETE FROM task WHERE sequence = ?').run(sequence!);
    specs.add(spec as number);
    if (job !== null) jobs.add(job as string);
  }
  for (const spec of specs) {
    statements.get('DELETE FROM spec WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM task WHERE spec = ?1)').run(spec);
  }
  for (const job of jobs) {
    statements.get('DELETE FROM job WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM task WHERE job_id = ?1)').run(job);
  }
  return { taskIds: rows.map((row) => row[1] as string), events: 0, done: rows.length < TASKS_A_STEP };
}

/**
 * Events from the beginning up to the first that has to stay, so that what is left has no gap. The newest one stays
 * whatever its age: it says where the sequence goes on.
 */
export function pruneEvents(statements: Statements, retention: Retention, now: number): PruneStep {
  if (retention.eventsMs === null) return { taskIds: [], events: 0, done: true };
  const oldest = statements.all('SELECT sequence, at FROM event ORDER BY sequence LIMIT ?', EVENTS_A_STEP + 1);
  const before = now - retention.eventsMs;
  let keep = oldest.findIndex((row) => (row[1] as number) >= before);
  if (keep === -1) keep = oldest.length - 1;
  if (keep <= 0) return { taskIds: [], events: 0, done: true };
  statements.get('DELETE FROM event WHERE sequence < ?').run(oldest[keep]![0]!);
  return { taskIds: [], events: keep, done: keep < EVENTS_A_STEP };
}
