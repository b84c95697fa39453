/** The thread that reads: a connection of its own, so that a long listing never holds up a commit. */
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { Cursor, EventFilter, EventOrder, JobFilter, Page, StoreInfo, TaskFilter, TaskOrder } from '../store.ts';
import { type Row, SPEC, type Value } from './codec.ts';
import { connectForReading, Statements } from './connection.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { failure } from './failure.ts';
import { ATTEMPT_ROWS, ATTEMPT_VALUES, damaged, EVENT_ROWS, isTaskSound, SPEC_ROWS, sound, TASK_ROWS } from './rows.ts';
import { SCHEMA } from './schema.ts';
import { taskCounts, taskPage } from './task-query.ts';

/** Beyond this many namespaces a merged stream per namespace costs more than filtering. */
const MOST_STREAMS = 64;

/** Rows as they are stored, with the specs that they name. */
export interface TaskRows {
  readonly rows: readonly Row[];
  /** Number and text of each spec. */
  readonly specs: readonly (readonly [number, string])[];
  readonly next: Cursor | null;
}

export interface AttemptRows {
  /** The columns of ATTEMPT_COLUMNS; last the task's id. */
  readonly rows: readonly Row[];
  readonly next: Cursor | null;
}

export class Reader {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #statements: Statements;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#db = connectForReading(path);
      this.#statements = new Statements(this.#db);
    } catch (error) {
      throw failure(path, 'opening the store for reading', error);
    }
  }

  task(id: string): TaskRows {
    return this.#read(() => this.#withSpecs([this.#statements.one(`SELECT ${TASK_ROWS} FROM task WHERE id = ?`, id)]));
  }

  tasks(filter: TaskFilter, order: TaskOrder, limit: number, cursor: Cursor | null): TaskRows {
    checkLimit(limit);
    const listing = JSON.stringify(['tasks', order, canonical(filter)]);
    const position = cursor === null ? null : decodeCursor(listing, cursor);
    return this.#read(() => {
      // One more than asked for says whether there is a next page.
      const { text, values } = taskPage(filter, order, limit + 1, position, () => this.#namespaces());
      const found = this.#statements.all(text, ...values);
      const page = found.slice(0, limit);
      const rows = page.map(([sequence]) =>
        this.#statements.one(`SELECT ${TASK_ROWS} FROM task WHERE sequence = ?`, sequence!),
      );
      const last = page.at(-1);
      let next: Cursor | null = null;
      if (found.length > limit && last !== undefined) {
        const [sequence, priority] = last as [number, number];
        next = encodeCursor(listing, order === 'priority' ? [priority, sequence] : [sequence]);
      }
      return { ...this.#withSpecs(rows), next };
    });
  }

  countTasks(filter: TaskFilter): Record<string, number> {
    return this.#read(() => {
      const { text, values } = taskCounts(filter);
      return Object.fromEntries(this.#statements.all(text, ...values).map(([state, count]) => [state, count]));
    });
  }

  attempts(taskId: string): AttemptRows {
    return this.#read(() => {
      const task = this.#statements.one('SELECT sequence FROM task WHERE id = ?', taskId)?.[0];
      if (task === undefined) return { rows: [], next: null };
      const rows = this.#statements.all(`SELECT ${ATTEMPT_ROWS} FROM attempt WHERE task = ? ORDER BY number`, task);
      return {
        rows: rows.map((row) => [...sound(this.#path, `attempt ${row[1]} of task ${taskId}`, row), taskId]),
        next: null,
      };
    });
  }

  attemptsOnWorker(workerId: string, limit: number, cursor: Cursor | null): AttemptRows {
    checkLimit(limit);
    const listing = JSON.stringify(['attempts', workerId]);
    const before = cursor === null ? Number.MAX_SAFE_INTEGER : decodeCursor(listing, cursor)[0]!;
    return this.#read(() => {
      const found = this.#statements.all(
        `SELECT ${ATTEMPT_ROWS}, id, (SELECT task.id FROM task WHERE task.sequence = attempt.task)
           FROM attempt INDEXED BY attempt_worker
          WHERE worker_id = ? AND id < ? ORDER BY id DESC LIMIT ?`,
        workerId,
        before,
        limit + 1,
      );
      const page = found.slice(0, limit);
      const last = page.at(-1)?.at(-2) as number | undefined;
      return {
        rows: page.map((row) => sound(this.#path, `an attempt on ${workerId}`, row, ATTEMPT_VALUES)),
        next: found.length > limit && last !== undefined ? encodeCursor(listing, [last]) : null,
      };
    });
  }

  /** The document of a job, or null. */
  job(id: string): string | null {
    return this.#read(() => {
      const row = this.#statements.one('SELECT id, row, checksum FROM job WHERE id = ?', id);
      return row === undefined ? null : (sound(this.#path, `job ${id}`, row)[1] as string);
    });
  }

  /** Documents. There are far fewer jobs than tasks, so they are sorted when somebody asks. */
  jobs(filter: JobFilter, limit: number, cursor: Cursor | null): Page<string> {
    checkLimit(limit);
    const listing = JSON.stringify(['jobs', canonical(filter)]);
    // Jobs have no number of their own: the time, and how many of that moment were shown.
    const [at = Number.MAX_SAFE_INTEGER, shown = 0] = cursor === null ? [] : decodeCursor(listing, cursor);
    const values: Value[] = [at];
    const where = ['at <= ?1'];
    const add = (condition: string, value: Value) => where.push(condition.replace('?', `?${values.push(value)}`));
    if (filter.namespaces !== 'all')
      add(`row ->> 'namespace' IN (SELECT value FROM json_each(?))`, JSON.stringify(filter.namespaces));
    if (filter.owner !== undefined) add(`row ->> 'owner' = ?`, filter.owner);
    if (filter.name !== undefined) add(`row ->> 'name' = ?`, filter.name);
    return this.#read(() => {
      const found = this.#statements.all(
        `SELECT id, row, checksum, at FROM (SELECT *, row ->> 'submittedAt' AS at FROM job)
          WHERE ${where.join(' AND ')} ORDER BY at DESC, id LIMIT ${limit + 1} OFFSET ${shown}`,
        ...values,
      );
      const page = found.slice(0, limit);
      const last = page.at(-1)?.[3] as number | undefined;
      const ofLast = page.filter((row) => row[3] === last).length + (last === at ? shown : 0);
      return {
        items: page.map((row) => sound(this.#path, `job ${row[0]}`, row, 2)[1] as string),
        next: found.length > limit && last !== undefined ? encodeCursor(listing, [last, ofLast]) : null,
      };
    });
  }

  events(filter: EventFilter, from: number, limit: number, order: EventOrder): Row[] {
    checkLimit(limit);
    return this.#read(() => {
      const rows = this.#eventRows(filter, from, limit, order);
      return rows.map((row) => sound(this.#path, `event ${row[0]}`, row));
    });
  }

  info(): StoreInfo {
    return this.#read(() => {
      const [clusterId, epoch] = this.#statements.one('SELECT cluster_id, epoch FROM meta') as [string, number];
      const sizeBytes = [this.#path, `${this.#path}-wal`]
        .map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0)
        .reduce((sum, size) => sum + size);
      return { schema: SCHEMA, clusterId, epoch, sizeBytes };
    });
  }

  close(): void {
    this.#db.close();
  }

  /** One transaction, so that the parts of an answer are of one moment. */
  #read<T>(work: () => T): T {
    try {
      this.#db.exec('BEGIN');
      try {
        return work();
      } finally {
        if (this.#db.isTransaction) this.#db.exec('COMMIT');
      }
    } catch (error) {
      if (error instanceof RangeError) throw error;
      throw failure(this.#path, 'reading', error);
    }
  }

  #withSpecs(found: readonly (Row | undefined)[]): TaskRows {
    const rows: Row[] = [];
    const specs = new Map<number, string>();
    for (const row of found) {
      if (row === undefined) continue;
      if (!isTaskSound(row)) throw damaged(this.#path, `task ${row[1]}`);
      const spec = row[SPEC] as number;
      if (!specs.has(spec)) specs.set(spec, this.#spec(spec));
      rows.push(row);
    }
    return { rows, specs: [...specs], next: null };
  }

  #spec(number: number): string {
    const row = this.#statements.one(`SELECT ${SPEC_ROWS} FROM spec WHERE id = ?`, number);
    if (row === undefined) throw damaged(this.#path, `spec ${number} is missing; a task that needs it`);
    return sound(this.#path, `spec ${number}`, row)[1] as string;
  }

  /** Every namespace that owns a task, by hops along the index. */
  #namespaces(): string[] {
    return this.#statements
      .all(
        `WITH RECURSIVE hop (namespace) AS (
           SELECT min(namespace) FROM task
           UNION ALL
           SELECT (SELECT min(namespace) FROM task WHERE namespace > hop.namespace) FROM hop WHERE hop.namespace IS NOT NULL)
         SELECT namespace FROM hop WHERE namespace IS NOT NULL`,
      )
      .map((row) => row[0] as string);
  }

  #eventRows(filter: EventFilter, from: number, limit: number, order: EventOrder): Row[] {
    const values: Value[] = [];
    const add = (value: Value) => {
      values.push(value);
      return `?${values.length}`;
    };
    const take = add(limit);
    const isForward = order === 'oldest';
    const where = [`sequence ${isForward ? '>' : '<'} ${add(from)}`];
    const by = `ORDER BY sequence ${isForward ? 'ASC' : 'DESC'} LIMIT ${take}`;
    const namespaces = filter.namespaces === 'all' ? null : [...new Set(filter.namespaces)];
    const inNamespaces = () =>
      namespaces === null ? [] : [`+namespace IN (SELECT value FROM json_each(${add(JSON.stringify(namespaces))}))`];
    let source = 'event';
    if (filter.workerId !== undefined) where.push(`worker_id = ${add(filter.workerId)}`);
    if (filter.kinds !== undefined) {
      where.push(`+kind IN (SELECT value FROM json_each(${add(JSON.stringify(filter.kinds))}))`);
    }
    if (filter.taskId !== undefined) {
      where.push(`task = (SELECT sequence FROM task WHERE id = ${add(filter.taskId)})`);
      source = 'event INDEXED BY event_task';
    } else if (filter.workerId !== undefined) {
      source = 'event INDEXED BY event_worker';
    } else if (namespaces !== null && namespaces.length > 0 && namespaces.length <= MOST_STREAMS) {
      const parts = namespaces.map(
        (namespace) =>
          `SELECT ${EVENT_ROWS} FROM event INDEXED BY event_namespace WHERE namespace = ${add(namespace)} AND ${where.join(' AND ')}`,
      );
      return this.#statements.all(`${parts.join(' UNION ALL ')} ${by}`, ...values);
    }
    where.push(...inNamespaces());
    return this.#statements.all(`SELECT ${EVENT_ROWS} FROM ${source} WHERE ${where.join(' AND ')} ${by}`, ...values);
  }
}

/** A page may not be larger: it is built in memory, in two threads. */
const MOST_ITEMS = 10_000;

function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_ITEMS) {
    throw new RangeError(`a page has 1 to ${MOST_ITEMS} items, not ${limit}`);
  }
}

/** The same filter in whatever order its parts are written. */
function canonical(filter: TaskFilter | JobFilter): unknown {
  const entries = Object.entries(filter).filter(([, value]) => value !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, value]) => {
    if (Array.isArray(value)) return [name, [...value].sort()];
    if (typeof value === 'object') return [name, Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))];
    return [name, value];
  });
}
