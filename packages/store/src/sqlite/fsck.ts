/**
 * The audit of a store: SQLite's own check of the file, the checksum of every row, and then the invariants as far as
 * stored rows can show them (`audits.ts`). It may run beside a master.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Finding } from '../store.ts';
import { AUDITS } from './audits.ts';
import type { Row } from './codec.ts';
import { Statements } from './connection.ts';
import { ATTEMPT_ROWS, EVENT_ROWS, isSound, isTaskSound, SPEC_ROWS, SPEC_VALUES, TASK_ROWS } from './rows.ts';
import { foreignDefinitions } from './schema.ts';

/** More of one kind tell nothing new. */
const MOST_FINDINGS = 20;

/**
 * `one`: everything is read as it was at one moment, which keeps the writer's log from being emptied meanwhile. `each`:
 * every query sees a moment of its own, which is enough, as no finding rests on two.
 */
export function audit(db: DatabaseSync, moment: 'one' | 'each' = 'one'): Finding[] {
  const file = checkFile(db);
  // With a damaged file the queries below would trip over the same damage, and say less.
  if (file.length > 0) return file;
  const statements = new Statements(db);
  const own = moment === 'one' && !db.isTransaction;
  if (own) db.exec('BEGIN');
  try {
    return [...checkSums(statements), ...AUDITS.flatMap(({ invariant, query }) => run(statements, invariant, query))];
  } finally {
    if (own && db.isTransaction) db.exec('COMMIT');
  }
}

function checkFile(db: DatabaseSync): Finding[] {
  try {
    const rows = db.prepare(`PRAGMA integrity_check(${MOST_FINDINGS})`).all();
    const texts = rows.map((row) => String(row.integrity_check)).filter((text) => text !== 'ok');
    const names = foreignDefinitions(db).slice(0, MOST_FINDINGS);
    texts.push(...names.map((name) => `the definition of ${name} is not the one that this program makes`));
    return texts.map((message) => ({ invariant: 'file', message }));
  } catch (error) {
    // Damage of some kinds ends the check instead of being listed by it.
    return [{ invariant: 'file', message: error instanceof Error ? error.message : String(error) }];
  }
}

/** What each row is called in a finding, its select list, and whether it is as it was written. */
const SUMMED: readonly (readonly [
  table: string,
  columns: string,
  name: (row: Row) => string,
  sound: (row: Row) => boolean,
])[] = [
  ['task', TASK_ROWS, (row) => `task ${row[1]}`, isTaskSound],
  ['spec', `${SPEC_ROWS}, id`, (row) => `spec ${row.at(-1)}`, (row) => isSound(row, SPEC_VALUES)],
  ['attempt', ATTEMPT_ROWS, (row) => `attempt ${row[1]} of the task with sequence ${row[0]}`, (row) => isSound(row)],
  ['event', EVENT_ROWS, (row) => `event ${row[0]}`, (row) => isSound(row)],
  ['cluster', 'row, checksum', () => 'the cluster row', (row) => isSound(row)],
  ['worker', 'id, row, checksum', (row) => `worker ${row[0]}`, (row) => isSound(row)],
  ['namespace', 'name, row, checksum', (row) => `namespace ${row[0]}`, (row) => isSound(row)],
  ['user', 'name, row, checksum', (row) => `user ${row[0]}`, (row) => isSound(row)],
  ['token', 'id, row, checksum', (row) => `token ${row[0]}`, (row) => isSound(row)],
  ['job', 'id, row, checksum', (row) => `job ${row[0]}`, (row) => isSound(row)],
  [
    'idempotency',
    'namespace, key, row, checksum',
    (row) => `idempotency key ${row[1]} of ${row[0]}`,
    (row) => isSound(row),
  ],
];

function checkSums(statements: Statements): Finding[] {
  const findings: Finding[] = [];
  for (const [table, columns, name, sound] of SUMMED) {
    for (const row of statements.iterate(`SELECT ${columns} FROM ${table}`)) {
      if (sound(row)) continue;
      findings.push({ invariant: 'checksum', message: `${name(row)} is not as it was written` });
      if (findings.length === MOST_FINDINGS) return findings;
    }
  }
  return findings;
}

function run(statements: Statements, invariant: string, query: string): Finding[] {
  const rows = statements.all(`${query} LIMIT ${MOST_FINDINGS}`);
  return rows.map(([message]) => ({ invariant, message: String(message) }));
}
