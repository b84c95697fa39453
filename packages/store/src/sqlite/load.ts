import { setImmediate as turn } from 'node:timers/promises';
import type { Attempt, Snapshot, Task, TaskSpec } from '@cloudai/engine';
import { type Documents, decodeAttempt, decodeTask, type Row } from './codec.ts';
import { connectForReading, Statements } from './connection.ts';
import { failure } from './failure.ts';
import { ATTEMPT_ROWS, checkRow, checkTask, damaged, TASK_ROWS } from './rows.ts';
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
        .map((row) => JSON.parse(checkRow(path, `${table} ${row[0]}`, row).at(-1) as string));
    const cluster = statements.one('SELECT row, checksum FROM cluster');
    return {
      cluster: cluster === undefined ? null : JSON.parse(checkRow(path, 'the cluster row', cluster)[0] as string),
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
  const specs = new Map<number, TaskSpec>();
  const wanted = `SELECT sequence FROM task INDEXED BY task_live WHERE ${LIVE}
    UNION ALL SELECT task FROM attempt INDEXED BY attempt_holding WHERE ${HOLDING}
    UNION ALL SELECT sequence FROM task INDEXED BY task_ended WHERE ended_at >= ?`;
  for (const row of statements.iterate(
    `SELECT ${TASK_ROWS} FROM task WHERE sequence IN (${wanted}) ORDER BY sequence`,
    endedSince,
  )) {
    const values = checkTask(path, row);
    const number = values[8] as number;
    let spec = specs.get(number);
    if (spec === undefined) {
      spec = loadSpec(path, statements, number);
      specs.set(number, spec);
    }
    const task = decodeTask(values, spec);
    if (task.fence > 0) ids.set(task.sequence, task.id);
    tasks.push(task);
    if (tasks.length % ROWS_A_TURN === 0) await turn();
  }
  return tasks;
}

function loadSpec(path: string, statements: Statements, number: number): TaskSpec {
  const row = statements.one('SELECT image, spec, checksum FROM spec WHERE id = ?', number);
  if (row === undefined) throw damaged(path, `spec ${number}, which tasks name,`);
  return JSON.parse(checkRow(path, `spec ${number}`, row)[1] as string);
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
      const values: Row = checkRow(path, `attempt ${row[1]} of task ${id}`, row);
      attempts.push(decodeAttempt(values, id));
    }
    done += 1;
    if (done % ROWS_A_TURN === 0) await turn();
  }
  return attempts;
}
