import { setImmediate as turn } from 'node:timers/promises';
import type { Attempt, Snapshot, Task, TaskSpec } from '@cloudai/engine';
import { type Documents, decodeAttempt, decodeTask, SPEC } from './codec.ts';
import { connectForReading, Statements } from './connection.ts';
import { failure } from './failure.ts';
import { ATTEMPT_ROWS, damaged, isTaskSound, SPEC_ROWS, sound, TASK_ROWS, TASK_VALUES } from './rows.ts';
import { HOLDING, LIVE } from './schema.ts';

/** Rows between two turns of the event loop: about 20 ms. */
const ROWS_A_TURN = 4_000;

/**
 * Reads what the engine keeps in memory, in one transaction. It runs in the thread that wants the objects: passing
 * 100,000 tasks from thread to thread costs as much as reading them.
 */
export async function load(path: string, endedSince: number): Promise<Snapshot> {
  let db: ReturnType<typeof connectForReading> | null = null;
  try {
    db = connectForReading(path);
    const statements = new Statements(db);
    db.exec('BEGIN');
    const ids = new Map<number, string>();
    const tasks = await loadTasks(path, statements, endedSince, ids);
    const attempts = await loadAttempts(path, statements, ids);
    const documents = <T extends keyof Documents>(table: T, key: string): Documents[T][] =>
      statements
        .all(`SELECT ${key}, row, checksum FROM ${table}`)
        .map((row) => JSON.parse(sound(path, `${table} ${row[0]}`, row).at(-2) as string));
    const cluster = statements.one('SELECT row, checksum FROM cluster');
    return {
      cluster: cluster === undefined ? null : JSON.parse(sound(path, 'the cluster row', cluster)[0] as string),
      tasks,
      attempts,
      workers: documents('worker', 'id'),
      namespaces: documents('namespace', 'name'),
      users: documents('user', 'name'),
      tokens: documents('token', 'id'),
      idempotency: documents('idempotency', 'namespace, key'),
    };
  } catch (error) {
    throw failure(path, 'loading', error);
  } finally {
    db?.close();
  }
}

async function loadTasks(
  path: string,
  statements: Statements,
  endedSince: number,
  ids: Map<number, string>,
): Promise<Task[]> {
  const tasks: Task[] = [];
  // Equal specs that were submitted together are one object in memory, too.
  const specs = new Map<number, TaskSpec>();
  const wanted = `SELECT sequence FROM task INDEXED BY task_live WHERE ${LIVE}
    UNION ALL SELECT task FROM attempt INDEXED BY attempt_holding WHERE ${HOLDING}
    UNION ALL SELECT sequence FROM task INDEXED BY task_ended WHERE ended_at >= ?`;
  const query = `SELECT ${TASK_ROWS}, ${SPEC_ROWS} FROM task LEFT JOIN spec ON spec.id = task.spec
    WHERE task.sequence IN (${wanted}) ORDER BY task.sequence`;
  for (const row of statements.iterate(query, endedSince)) {
    if (!isTaskSound(row)) throw damaged(path, `task ${row[1]}`);
    const number = row[SPEC] as number;
    let spec = specs.get(number);
    if (spec === undefined) {
      const text = sound(path, `spec ${number}`, row.slice(TASK_VALUES + 2))[1];
      spec = JSON.parse(text as string) as TaskSpec;
      specs.set(number, spec);
    }
    const task = decodeTask(row, spec);
    if (task.fence > 0) ids.set(task.sequence, task.id);
    tasks.push(task);
    if (tasks.length % ROWS_A_TURN === 0) await turn();
  }
  return tasks;
}

async function loadAttempts(
  path: string,
  statements: Statements,
  ids: ReadonlyMap<number, string>,
): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  let done = 0;
  for (const [task, id] of ids) {
    for (const row of statements.all(`SELECT ${ATTEMPT_ROWS} FROM attempt WHERE task = ? ORDER BY number`, task)) {
      attempts.push(decodeAttempt(sound(path, `attempt ${row[1]} of task ${id}`, row), id));
    }
    done += 1;
    if (done % ROWS_A_TURN === 0) await turn();
  }
  return attempts;
}
