/** Carries out a batch of changes, as `encode` made it, inside a transaction that the writer has begun. */
import { checksum } from './checksum.ts';
import {
  ARITY,
  ATTEMPT_COLUMNS,
  EVENT_COLUMNS,
  OP,
  type Row,
  SEALED_COLUMNS,
  TASK_COLUMNS,
  type Value,
} from './codec.ts';
import type { Statements } from './connection.ts';
import { changingSum, sealedSum, TASK_VALUES } from './rows.ts';

/** Specs and task ids that are remembered, so as not to look them up: about 10 MB together. */
const MOST_SPECS = 512;
const MOST_SPEC_CHARACTERS = 4_000_000;
const MOST_IDS = 50_000;

const INSERT_TASK = insert('task', [...SEALED_COLUMNS, ...TASK_COLUMNS, 'sealed', 'checksum']);
const UPDATE_TASK = `UPDATE task
  SET ${[...TASK_COLUMNS, 'checksum'].map((name, n) => `${name} = ?${n + 2}`).join(', ')} WHERE sequence = ?1`;
const UPSERT_ATTEMPT = `${insert('attempt', [...ATTEMPT_COLUMNS, 'checksum'])} ON CONFLICT (task, number) DO UPDATE
  SET ${[...ATTEMPT_COLUMNS.slice(2), 'checksum'].map((name) => `${name} = excluded.${name}`).join(', ')}`;
const INSERT_EVENT = insert('event', [...EVENT_COLUMNS, 'checksum', 'task']);
const INSERT_SPEC = insert('spec', ['image', 'spec', 'checksum']);
const INSERT_LABEL = insert('label', ['task', 'key', 'value']);

/** Rows that are kept whole: by key and document, or taken away by key. */
const SIMPLE: Readonly<Record<number, string>> = {
  [OP.cluster]: replace('cluster', ['row', 'checksum', 'one']),
  [OP.worker]: replace('worker', ['id', 'row', 'checksum']),
  [OP.namespace]: replace('namespace', ['name', 'row', 'checksum']),
  [OP.user]: replace('user', ['name', 'row', 'checksum']),
  [OP.token]: replace('token', ['id', 'row', 'checksum']),
  [OP.job]: replace('job', ['id', 'row', 'checksum']),
  [OP.idempotency]: replace('idempotency', ['namespace', 'key', 'row', 'checksum']),
};

export class RowWriter {
  readonly #statements: Statements;
  readonly #specs = new Map<string, number>();
  #specCharacters = 0;
  readonly #sequences = new Map<string, number>();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Gives the number of rows written. */
  apply(batch: readonly Value[]): number {
    let rows = 0;
    for (let at = 0; at < batch.length; rows += 1) {
      const op = batch[at] as number;
      const end = at + 1 + ARITY[op]!;
      this.#write(op, batch.slice(at + 1, end));
      at = end;
    }
    return rows;
  }

  /** To be called when the transaction is rolled back: what was remembered may never have been. */
  forget(): void {
    this.#forgetSpecs();
    this.#sequences.clear();
  }

  #write(op: number, values: Value[]): void {
    switch (op) {
      case OP.createTask:
        this.#createTask(values);
        return;
      case OP.updateTask: {
        const sum = changingSum(values[0] as number, values, 1);
        const { changes } = this.#statements.get(UPDATE_TASK).run(...values, sum);
        if (changes !== 1) throw new Error(`the task with sequence ${values[0]} is not stored, so it can not change`);
        return;
      }
      case OP.label:
        this.#statements.get(INSERT_LABEL).run(...values);
        return;
      case OP.attempt: {
        const task = this.#sequenceOf(values[0] as string);
        if (task === null) throw new Error(`attempt ${values[1]} belongs to task ${values[0]}, which is not stored`);
        values[0] = task;
        this.#statements.get(UPSERT_ATTEMPT).run(...values, checksum(values));
        return;
      }
      case OP.event: {
        const task = values[4] === null ? null : this.#sequenceOf(values[4] as string);
        this.#statements.get(INSERT_EVENT).run(...values, checksum(values), task);
        return;
      }
      case OP.removeWorker:
        this.#statements.get('DELETE FROM worker WHERE id = ?').run(...values);
        return;
      case OP.removeIdempotency:
        this.#statements.get('DELETE FROM idempotency WHERE namespace = ? AND key = ?').run(...values);
        return;
      case OP.cluster:
        this.#statements.get(SIMPLE[op]!).run(...values, checksum(values), 1);
        return;
      default:
        this.#statements.get(SIMPLE[op]!).run(...values, checksum(values));
    }
  }

  /** `values`: SEALED_COLUMNS with image and text in place of the spec's number, then TASK_COLUMNS. */
  #createTask(values: Value[]): void {
    const at = SEALED_COLUMNS.length - 1;
    values.splice(at, 2, this.#specNumber(values[at] as string, values[at + 1] as string));
    const [sequence, id] = values as [number, string];
    const changing = changingSum(sequence, values, SEALED_COLUMNS.length);
    this.#statements.get(INSERT_TASK).run(...values.slice(0, TASK_VALUES), sealedSum(values), changing);
    this.#remember(id, sequence);
  }

  #specNumber(image: string, spec: string): number {
    const known = this.#specs.get(spec);
    if (known !== undefined) return known;
    const row: Row = [image, spec];
    const number = Number(this.#statements.get(INSERT_SPEC).run(...row, checksum(row)).lastInsertRowid);
    if (this.#specs.size >= MOST_SPECS || this.#specCharacters >= MOST_SPEC_CHARACTERS) this.#forgetSpecs();
    this.#specs.set(spec, number);
    this.#specCharacters += spec.length;
    return number;
  }

  #forgetSpecs(): void {
    this.#specs.clear();
    this.#specCharacters = 0;
  }

  #sequenceOf(taskId: string): number | null {
    const known = this.#sequences.get(taskId);
    if (known !== undefined) return known;
    const row = this.#statements.one('SELECT sequence FROM task WHERE id = ?', taskId);
    if (row === undefined) return null;
    this.#remember(taskId, row[0] as number);
    return row[0] as number;
  }

  #remember(taskId: string, sequence: number): void {
    if (this.#sequences.size >= MOST_IDS) this.#sequences.clear();
    this.#sequences.set(taskId, sequence);
  }
}

function insert(table: string, columns: readonly string[]): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((_, n) => `?${n + 1}`).join(', ')})`;
}

function replace(table: string, columns: readonly string[]): string {
  return insert(table, columns).replace('INSERT', 'INSERT OR REPLACE');
}
