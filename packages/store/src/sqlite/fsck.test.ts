import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Change } from '@cloudai/engine';
import { expect, test } from 'vitest';
import type { Store } from '../store.ts';
import { history } from '../testing/history.ts';
import { CREATE, directory, opened } from '../testing/place.ts';
import { audit } from './fsck.ts';

const SLOW_MS = 60_000;

test('the history of a real engine is sound', { timeout: SLOW_MS }, async () => {
  const states = new Set<string>();
  for (const seed of [1, 2]) {
    const store = await opened(join(directory(), 'cloudai.db'), CREATE);
    await commitAll(store, history(seed, 300));
    expect(await store.fsck(), `seed ${seed}`).toEqual([]);
    for (const state in await store.countTasks({ namespaces: 'all' })) states.add(state);
    expect((await store.load(0)).attempts.length).toBeGreaterThan(30);
  }
  expect([...states]).toEqual(expect.arrayContaining(['queued', 'running', 'completed', 'failed', 'cancelled']));
});

test('a task that was placed in the step that submitted it is sound', { timeout: SLOW_MS }, async () => {
  const store = await opened(join(directory(), 'cloudai.db'), CREATE);
  await commitAll(store, history(12, 60));
  const { tasks } = await store.load(0);
  expect(tasks).toContainEqual(expect.objectContaining({ state: 'assigned', fence: 1, version: 1 }));
  expect(await store.fsck()).toEqual([]);
});

const LIVE = `(SELECT t.sequence FROM task AS t JOIN attempt AS a ON a.task = t.sequence AND a.number = t.fence
  WHERE t.state = 'running' AND a.state = 'running' LIMIT 1)`;
const DONE = `(SELECT sequence FROM task WHERE state = 'completed' LIMIT 1)`;
const QUEUED = `(SELECT sequence FROM task WHERE state = 'queued' LIMIT 1)`;
const AGAIN = `worker_id, session, 'running', NULL, cpu_millis, memory_bytes, storage_bytes, gpu_millis, custom, gpus,
  placed_by, assigned_at, NULL, confirmed_at, started_at, NULL, progress, container_id, image_digest, stop_reason, result, checksum`;

/** What goes wrong, and which invariant has to tell. */
const DEFECTS: readonly (readonly [invariant: string, what: string, sql: string])[] = [
  [
    'I1',
    'more CPU held than there is',
    `UPDATE attempt SET cpu_millis = 4001, assigned_at = 9e12 WHERE task = ${LIVE}`,
  ],
  [
    'I1',
    'a custom resource held that the worker lacks',
    `UPDATE attempt SET custom = '{"fpga":1}', assigned_at = 9e12 WHERE task = ${LIVE}`,
  ],
  ['I1', 'a negative reservation', `UPDATE attempt SET memory_bytes = -1 WHERE task = ${LIVE}`],
  ['I1', 'a negative custom reservation', `UPDATE attempt SET custom = '{"licence":-1}' WHERE task = ${LIVE}`],
  ['I1', 'more than a whole GPU held', `UPDATE attempt SET gpus = '[{"index":0,"millis":1001}]' WHERE task = ${LIVE}`],
  [
    'I2',
    'a running task without an attempt that lives',
    `UPDATE attempt SET state = 'lost', reason = 'worker_lost', ended_at = 1 WHERE task = ${LIVE}`,
  ],
  ['I2', 'a queued task whose attempt lives', `UPDATE task SET state = 'queued' WHERE sequence = ${LIVE}`],
  [
    'I2',
    'an ended task whose attempt goes on',
    `UPDATE task SET state = 'failed', reason = 'oom', ended_at = 1 WHERE sequence = ${LIVE}`,
  ],
  ['I4', 'ended without a time', `UPDATE task SET ended_at = NULL WHERE sequence = ${DONE}`],
  ['I4', 'ended without a reason', `UPDATE task SET reason = NULL WHERE sequence = ${DONE}`],
  ['I4', 'ended and still waiting', `UPDATE task SET eligible_at = 5 WHERE sequence = ${DONE}`],
  ['I4', 'a live attempt that has an end', `UPDATE attempt SET ended_at = 5 WHERE task = ${LIVE}`],
  ['I4', 'two ends told', `UPDATE event SET kind = 'task_failed' WHERE task = ${DONE} AND kind = 'task_assigned'`],
  [
    'I4',
    'an end told that is not the one kept',
    `UPDATE event SET kind = 'task_failed' WHERE task = ${DONE} AND kind = 'task_completed'`,
  ],
  [
    'I4',
    'an end that no event tells',
    `UPDATE event SET kind = 'attempt_resumed' WHERE task = ${DONE} AND kind = 'task_completed'`,
  ],
  [
    'I4',
    'a start after the end',
    `UPDATE event SET task = ${DONE}, kind = 'task_running' WHERE sequence = (SELECT max(sequence) FROM event)`,
  ],
  [
    'I5',
    'two live attempts',
    `INSERT INTO attempt SELECT 99999, task, number + 1, ${AGAIN} FROM attempt WHERE task = ${LIVE} ORDER BY number DESC LIMIT 1`,
  ],
  ['I5', 'a fence ahead of the attempts', `UPDATE task SET fence = fence + 1 WHERE sequence = ${DONE}`],
  ['I5', 'a missing attempt', `DELETE FROM attempt WHERE task = ${DONE}`],
  ['I5', 'an old attempt that lives', `UPDATE task SET fence = fence + 1 WHERE sequence = ${LIVE}`],
  ['I6', 'completed by an attempt that failed', `UPDATE attempt SET state = 'failed' WHERE task = ${DONE}`],
  ['I6', 'an attempt of a session that never was', `UPDATE attempt SET session = 99 WHERE task = ${LIVE}`],
  ['I7', 'an epoch without a leader', `UPDATE meta SET epoch = 99`],
  ['I7', 'a cluster ahead of the store', `UPDATE cluster SET row = json_set(row, '$.epoch', 99)`],
  ['I7', 'a leader that began before its predecessor', `INSERT INTO leadership VALUES (0, 99999, 0)`],
  ['I8', 'a missing event', `DELETE FROM event WHERE sequence = 20`],
  ['I8', 'missing newest events', `DELETE FROM event WHERE sequence > (SELECT max(sequence) FROM event) - 2`],
  ['I8', 'a task number that was not given out', `UPDATE cluster SET row = json_set(row, '$.taskSequence', 1)`],
  ['I8', 'no cluster row', `DELETE FROM cluster`],
  ['I8', 'a version that never grew', `UPDATE task SET version = 1 WHERE sequence = ${DONE}`],
  ['I8', 'a state that is none', `UPDATE task SET state = 'resting' WHERE sequence = ${QUEUED}`],
  ['I8', 'an attempt in a state that is none', `UPDATE attempt SET state = 'resting' WHERE task = ${DONE}`],
  ['I8', 'running without a start', `UPDATE attempt SET started_at = NULL WHERE task = ${LIVE}`],
  ['I14', 'more failures than allowed', `UPDATE task SET user_failures = 3, fence = 3 WHERE sequence = ${DONE}`],
  ['I14', 'more losses than attempts', `UPDATE task SET infra_failures = 4 WHERE sequence = ${DONE}`],
  ['I14', 'fewer than no failures', `UPDATE task SET infra_failures = -1 WHERE sequence = ${DONE}`],
  ['I16', 'queued before its parent', `UPDATE task SET waits_for = '["t1"]' WHERE sequence = ${QUEUED}`],
  [
    'I16',
    'waiting for what has ended',
    `UPDATE task SET state = 'pending', waits_for = (SELECT json_array(id) FROM task WHERE state = 'failed') WHERE sequence = ${QUEUED}`,
  ],
  ['I16', 'waiting for nobody', `UPDATE task SET state = 'pending', waits_for = '["gone"]' WHERE sequence = ${QUEUED}`],
  [
    'I16',
    'started before its parent',
    `UPDATE spec SET spec = json_set(spec, '$.dependsOn', (SELECT json_array(id) FROM task WHERE state = 'failed')) WHERE id = (SELECT spec FROM task WHERE sequence = ${DONE})`,
  ],
  ['rows', 'a count of tasks that is off', `UPDATE task_count SET count = count + 1 WHERE state = 'completed'`],
  ['rows', 'a count of tasks that is missing', `DELETE FROM task_count WHERE state = 'queued'`],
  ['rows', 'an attempt of nobody', `UPDATE attempt SET task = 99999 WHERE task = ${DONE}`],
  ['rows', 'a task without its spec', `DELETE FROM spec WHERE id = (SELECT spec FROM task WHERE sequence = ${DONE})`],
  ['rows', 'a task of a job that is gone', `UPDATE task SET job_id = 'gone' WHERE sequence = ${DONE}`],
  ['rows', 'a label that can not be searched', `DELETE FROM label WHERE task = ${DONE}`],
  ['rows', 'a label that is not the task’s', `INSERT INTO label VALUES ('x', 'y', ${DONE})`],
  ['rows', 'an event of another task', `UPDATE event SET task = 1 WHERE task = ${DONE}`],
  ['checksum', 'a task that was edited', `UPDATE task SET message = 'x' WHERE sequence = ${DONE}`],
  ['checksum', 'a task whose owner was edited', `UPDATE task SET owner = 'x' WHERE sequence = ${DONE}`],
  ['checksum', 'a spec that was edited', `UPDATE spec SET spec = replace(spec, 'busybox', 'bosybux') WHERE id = 1`],
  ['checksum', 'an event that was edited', `UPDATE event SET "by" = 'x' WHERE sequence = 1`],
  ['checksum', 'a user who was made an admin', `UPDATE user SET row = json_set(row, '$.role', 'admin')`],
];

test('each planted defect is found', { timeout: SLOW_MS }, async () => {
  const path = join(directory(), 'cloudai.db');
  const store = await opened(path, CREATE);
  await commitAll(store, history(1, 400));
  await store.close();
  const db = new DatabaseSync(path);
  expect(audit(db)).toEqual([]);
  for (const [invariant, what, sql] of DEFECTS) {
    db.exec('SAVEPOINT before');
    expect(db.prepare(sql).run().changes, `${what}: nothing was changed`).not.toBe(0);
    const findings = audit(db);
    expect(
      findings.map((finding) => finding.invariant),
      what,
    ).toContain(invariant);
    db.exec('ROLLBACK TO before');
    db.exec('RELEASE before');
  }
  expect(audit(db)).toEqual([]);
  db.close();
});

test('a trigger or an index that is gone, or somebody else’s, is found', { timeout: SLOW_MS }, async () => {
  const path = join(directory(), 'cloudai.db');
  await (await opened(path, CREATE)).close();
  const db = new DatabaseSync(path);
  for (const [name, sql] of [
    ['task_count_update', `DROP TRIGGER task_count_update`],
    ['task_job', `DROP INDEX task_job`],
    ['own', `CREATE TRIGGER own AFTER INSERT ON event BEGIN DELETE FROM token; END`],
  ] as const) {
    db.exec('SAVEPOINT before');
    db.exec(sql);
    const message = `the definition of ${name} is not the one that this program makes`;
    expect(audit(db)).toEqual([{ invariant: 'file', message }]);
    db.exec('ROLLBACK TO before');
    db.exec('RELEASE before');
  }
  expect(audit(db)).toEqual([]);
  db.close();
});

/** In one commit, of the epoch that the cluster is at. */
async function commitAll(store: Store, changes: readonly Change[]): Promise<void> {
  const last = changes.at(-1);
  if (last?.kind !== 'cluster') throw new Error('a history ends with the cluster row');
  await store.commit(last.row.epoch, changes);
}

test('in the background it finds the same, and ends with its signal', { timeout: SLOW_MS }, async () => {
  const path = join(directory(), 'cloudai.db');
  const store = await opened(path, CREATE);
  await commitAll(store, history(1, 100));
  const never = new AbortController().signal;
  expect(await store.fsck(never)).toEqual([]);
  const db = new DatabaseSync(path);
  db.exec(`UPDATE task_count SET count = count + 1 WHERE state = 'completed'`);
  db.close();
  expect(await store.fsck(never)).toEqual(await store.fsck());
  expect((await store.fsck(never)).length).toBeGreaterThan(0);
  const leaving = new AbortController();
  const running = store.fsck(leaving.signal);
  leaving.abort();
  await expect(running).rejects.toThrow('in the background');
  await expect(store.fsck(leaving.signal)).rejects.toThrow('before it began');
});
