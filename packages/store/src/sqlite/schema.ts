/**
 * The tables. A store carries its schema number in `user_version`; each migration takes it one further, forward
 * only, in a transaction of its own. A migration that has been released is never edited.
 *
 * What shapes them:
 * - A task's spec never changes and is large, so it is in a table of its own and written once. Equal specs that
 *   arrive together (arrays, sweeps) share a row.
 * - Tasks are keyed by their sequence, not by their random id: what is submitted together lies together, and
 *   attempts, labels and events that point at a task stay dense as well.
 * - Every row carries a checksum of its values. SQLite has none, and a flipped bit inside a text is otherwise a
 *   valid row with another content.
 * - How many tasks are in which state is kept, not counted: a view of the cluster must not cost more the more tasks
 *   have ended. Triggers do it, so that whatever changes a task changes the count in the same transaction.
 * - Small, rarely written rows (workers, users ...) are kept as one JSON document each.
 */
import { DatabaseSync } from 'node:sqlite';

/** `application_id`: "ClAI". Tells our files from anybody else's. */
export const APPLICATION_ID = 0x436c4149;

/** Literally the same text in index and queries, which is how SQLite knows that the partial index serves them. */
export const LIVE = `state IN ('pending', 'queued', 'assigned', 'running')`;
/** Attempts that hold a reservation; also ones of tasks that have ended, until their worker says that they are gone. */
export const HOLDING = `state IN ('assigned', 'starting', 'running', 'stopping', 'unknown')`;

const SCHEMA_1 = `
CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  cluster_id TEXT NOT NULL,
  epoch INTEGER NOT NULL
) STRICT;

-- Who led when: one row per epoch, with the last event before it. \`restored\`: raised by a restore.
CREATE TABLE leadership (
  epoch INTEGER PRIMARY KEY,
  after_event INTEGER NOT NULL,
  restored INTEGER NOT NULL
) STRICT;

CREATE TABLE cluster (one INTEGER PRIMARY KEY CHECK (one = 1), row TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT;
CREATE TABLE worker (id TEXT PRIMARY KEY, row TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE namespace (name TEXT PRIMARY KEY, row TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE user (name TEXT PRIMARY KEY, row TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE token (id TEXT PRIMARY KEY, row TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE job (id TEXT PRIMARY KEY, row TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
  namespace TEXT NOT NULL,
  key TEXT NOT NULL,
  row TEXT NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE spec (
  id INTEGER PRIMARY KEY,
  image TEXT NOT NULL,
  spec TEXT NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;

-- \`sealed\` is the checksum of what never changes, \`checksum\` of the rest.
CREATE TABLE task (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  namespace TEXT NOT NULL,
  owner TEXT NOT NULL,
  name TEXT,
  job_id TEXT,
  retry_of TEXT,
  spec INTEGER NOT NULL,
  submitted_at INTEGER NOT NULL,
  sealed INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  message TEXT,
  exit_code INTEGER,
  eligible_at INTEGER,
  waits_for TEXT,
  queued_at INTEGER,
  started_at INTEGER,
  ended_at INTEGER,
  fence INTEGER NOT NULL,
  user_failures INTEGER NOT NULL,
  infra_failures INTEGER NOT NULL,
  suspect_workers TEXT,
  image_digest TEXT,
  cancel_requested INTEGER NOT NULL,
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX task_id ON task (id);
CREATE INDEX task_state ON task (namespace, state);
CREATE INDEX task_live ON task (priority DESC) WHERE ${LIVE};
CREATE INDEX task_owner ON task (owner);
CREATE INDEX task_name ON task (name) WHERE name IS NOT NULL;
CREATE INDEX task_job ON task (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX task_spec ON task (spec);
CREATE INDEX task_ended ON task (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE label (
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  task INTEGER NOT NULL,
  PRIMARY KEY (key, value, task)
) STRICT, WITHOUT ROWID;

-- \`id\` counts in the order of assignment; \`task\` is the task's sequence.
CREATE TABLE attempt (
  id INTEGER PRIMARY KEY,
  task INTEGER NOT NULL,
  number INTEGER NOT NULL,
  worker_id TEXT NOT NULL,
  session INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  cpu_millis INTEGER NOT NULL,
  memory_bytes INTEGER NOT NULL,
  storage_bytes INTEGER NOT NULL,
  gpu_millis INTEGER NOT NULL,
  custom TEXT,
  gpus TEXT,
  placed_by TEXT NOT NULL,
  assigned_at INTEGER NOT NULL,
  expires_at INTEGER,
  confirmed_at INTEGER,
  started_at INTEGER,
  ended_at INTEGER,
  progress TEXT,
  container_id TEXT,
  image_digest TEXT,
  stop_reason TEXT,
  result TEXT,
  checksum INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX attempt_task ON attempt (task, number);
CREATE INDEX attempt_worker ON attempt (worker_id);
CREATE INDEX attempt_holding ON attempt (task) WHERE ${HOLDING};

-- \`task\` is the sequence of the task, if it was stored when the event was.
CREATE TABLE event (
  sequence INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  namespace TEXT,
  task_id TEXT,
  task INTEGER,
  attempt INTEGER,
  worker_id TEXT,
  by TEXT,
  message TEXT,
  checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX event_task ON event (task) WHERE task IS NOT NULL;
CREATE INDEX event_namespace ON event (namespace) WHERE namespace IS NOT NULL;
CREATE INDEX event_worker ON event (worker_id) WHERE worker_id IS NOT NULL;
`;

const SCHEMA_2 = `
CREATE TABLE task_count (
  namespace TEXT NOT NULL,
  state TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (namespace, state)
) STRICT, WITHOUT ROWID;
INSERT INTO task_count SELECT namespace, state, count(*) FROM task GROUP BY namespace, state;

CREATE TRIGGER task_count_insert AFTER INSERT ON task BEGIN
  INSERT INTO task_count VALUES (new.namespace, new.state, 1) ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER task_count_update AFTER UPDATE OF state, namespace ON task
  WHEN old.state <> new.state OR old.namespace <> new.namespace BEGIN
  UPDATE task_count SET count = count - 1 WHERE namespace = old.namespace AND state = old.state;
  INSERT INTO task_count VALUES (new.namespace, new.state, 1) ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER task_count_delete AFTER DELETE ON task BEGIN
  UPDATE task_count SET count = count - 1 WHERE namespace = old.namespace AND state = old.state;
END;
`;

/** Element n takes a store from schema n to n + 1. */
const MIGRATIONS: readonly string[] = [SCHEMA_1, SCHEMA_2];

export const SCHEMA = MIGRATIONS.length;

export function schemaOf(db: DatabaseSync): number {
  const row = db.prepare('PRAGMA user_version').get();
  return Number(row?.user_version);
}

/** Brings the store to this binary's schema. */
export function migrate(db: DatabaseSync): void {
  for (let at = schemaOf(db); at < SCHEMA; at += 1) {
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(MIGRATIONS[at]!);
      db.exec(`PRAGMA user_version = ${at + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}

/**
 * Names of tables, indexes and triggers that are not as the migrations make them. SQLite knows them by their texts, which
 * no checksum guards: with one flipped bit a trigger counts something else.
 */
export function foreignDefinitions(db: DatabaseSync): string[] {
  const own = new DatabaseSync(':memory:');
  try {
    migrate(own);
    const [expected, found] = [definitions(own), definitions(db)];
    const names = new Set([...expected.keys(), ...found.keys()]);
    return [...names].filter((name) => expected.get(name) !== found.get(name)).sort();
  } finally {
    own.close();
  }
}

/** By name. What SQLite makes by itself, such as the index of a primary key, has no text. */
function definitions(db: DatabaseSync): Map<string, string> {
  const rows = db.prepare('SELECT name, type, tbl_name, sql FROM sqlite_schema').all();
  return new Map(rows.map(({ name, type, tbl_name, sql }) => [String(name), JSON.stringify([type, tbl_name, sql])]));
}
