/**
 * The invariants as queries: each gives one sentence per row that breaks it. Numbers as in
 * `docs/reference/invariants.md`; `rows` stands for references between rows.
 */
import { HOLDING, LIVE } from './schema.ts';

export interface Audit {
  readonly invariant: string;
  readonly query: string;
}

const ENDED = `state IN ('completed', 'failed', 'cancelled')`;
const ENDING_EVENTS = `('task_completed', 'task_failed', 'task_cancelled')`;

/** What live attempts hold per worker and resource, and what the worker offers of it. */
const HELD = `
  WITH held (worker, resource, amount) AS (
    SELECT worker_id, 'cpu', sum(cpu_millis) FROM attempt WHERE ${HOLDING} GROUP BY worker_id UNION ALL
    SELECT worker_id, 'memory', sum(memory_bytes) FROM attempt WHERE ${HOLDING} GROUP BY worker_id UNION ALL
    SELECT worker_id, 'storage', sum(storage_bytes) FROM attempt WHERE ${HOLDING} GROUP BY worker_id UNION ALL
    SELECT worker_id, 'gpu', sum(gpu_millis) FROM attempt WHERE ${HOLDING} GROUP BY worker_id UNION ALL
    SELECT worker_id, c.key, sum(c.value) FROM attempt, json_each(custom) AS c
     WHERE ${HOLDING} AND custom IS NOT NULL GROUP BY worker_id, c.key),
  offer (worker, resource, amount) AS (
    SELECT id, 'cpu', row ->> '$.capacity.resources.cpuMillis' FROM worker UNION ALL
    SELECT id, 'memory', row ->> '$.capacity.resources.memoryBytes' FROM worker UNION ALL
    SELECT id, 'storage', row ->> '$.capacity.resources.storageBytes' FROM worker UNION ALL
    SELECT id, 'gpu', row ->> '$.capacity.resources.gpuMillis' FROM worker UNION ALL
    SELECT worker.id, c.key, c.value FROM worker, json_each(row, '$.capacity.resources.custom') AS c)`;

export const AUDITS: readonly Audit[] = [
  {
    // A worker may come back smaller than what runs on it; then nothing may have been placed there since its hello.
    invariant: 'I1',
    query: `${HELD}
      SELECT format('worker %s: live attempts hold %d %s of %d', h.worker, h.amount, h.resource, coalesce(o.amount, 0))
        FROM held AS h LEFT JOIN offer AS o ON o.worker = h.worker AND o.resource = h.resource
       WHERE h.amount > coalesce(o.amount, 0)
         AND EXISTS (SELECT 1 FROM attempt AS a WHERE a.worker_id = h.worker AND a.${HOLDING} AND a.assigned_at > coalesce(
               (SELECT max(e.at) FROM event AS e WHERE e.worker_id = h.worker AND e.kind = 'worker_connected'), -1))`,
  },
  {
    invariant: 'I1',
    query: `SELECT format('attempt %d of task %s reserves a negative amount', a.number, t.id)
        FROM attempt AS a JOIN task AS t ON t.sequence = a.task
       WHERE min(cpu_millis, memory_bytes, storage_bytes, gpu_millis) < 0
          OR EXISTS (SELECT 1 FROM json_each(a.custom) AS c WHERE c.type <> 'integer' OR c.value < 0)`,
  },
  {
    invariant: 'I1',
    query: `SELECT format('worker %s: live attempts hold %d thousandths of GPU %d', worker_id, sum(millis), device)
        FROM (SELECT worker_id, g.value ->> '$.index' AS device, g.value ->> '$.millis' AS millis
                FROM attempt, json_each(gpus) AS g WHERE gpus IS NOT NULL AND ${HOLDING})
       GROUP BY worker_id, device HAVING sum(millis) > 1000`,
  },
  {
    invariant: 'I2',
    query: `SELECT format('task %s is %s and has %s live attempt', t.id, t.state, iif(a.id IS NULL, 'no', 'a'))
        FROM task AS t LEFT JOIN attempt AS a ON a.task = t.sequence AND a.${HOLDING}
       WHERE t.${LIVE} AND (t.state IN ('assigned', 'running')) <> (a.id IS NOT NULL)`,
  },
  {
    invariant: 'I2',
    query: `SELECT format('task %s is %s and its attempt %d goes on', t.id, t.state, a.number)
        FROM attempt AS a JOIN task AS t ON t.sequence = a.task
       WHERE a.${HOLDING} AND t.${ENDED} AND a.stop_reason IS NULL`,
  },
  {
    invariant: 'I4',
    query: `SELECT format('task %s is %s and ended by halves', id, state) FROM task
       WHERE (${ENDED}) <> (ended_at IS NOT NULL) OR (${ENDED}) <> (reason IS NOT NULL)
          OR (${ENDED} AND (waits_for IS NOT NULL OR eligible_at IS NOT NULL))`,
  },
  {
    invariant: 'I4',
    query: `SELECT format('attempt %d of task %s is %s and ended by halves', a.number, t.id, a.state)
        FROM attempt AS a JOIN task AS t ON t.sequence = a.task
       WHERE (a.${HOLDING}) <> (a.ended_at IS NULL) OR (a.${HOLDING}) <> (a.reason IS NULL)`,
  },
  {
    invariant: 'I4',
    query: `SELECT format('task %s ended %d times by its events', task_id, count(*)) FROM event
       WHERE task IS NOT NULL AND kind IN ${ENDING_EVENTS} GROUP BY task HAVING count(*) > 1`,
  },
  {
    invariant: 'I4',
    query: `SELECT format('task %s is %s, its event %d says %s', t.id, t.state, e.sequence, e.kind)
        FROM event AS e JOIN task AS t ON t.sequence = e.task
       WHERE e.kind IN ${ENDING_EVENTS} AND e.kind <> 'task_' || t.state`,
  },
  {
    invariant: 'I4',
    query: `SELECT format('task %s ended with event %d, and event %d says %s', e.task_id, e.sequence, later.sequence, later.kind)
        FROM event AS e JOIN event AS later ON later.task = e.task AND later.sequence > e.sequence
       WHERE e.kind IN ${ENDING_EVENTS}
         AND later.kind IN ('task_submitted', 'task_queued', 'task_assigned', 'task_running', 'task_retrying')`,
  },
  {
    invariant: 'I4',
    query: `SELECT format('task %s is %s and no event tells its end', t.id, t.state)
        FROM event AS e JOIN task AS t ON t.sequence = e.task
       WHERE e.kind = 'task_submitted' AND t.${ENDED}
         AND NOT EXISTS (SELECT 1 FROM event AS own WHERE own.task = t.sequence AND own.kind IN ${ENDING_EVENTS})`,
  },
  {
    invariant: 'I5',
    query: `SELECT format('task %s has %d live attempts', t.id, count(*))
        FROM attempt AS a JOIN task AS t ON t.sequence = a.task
       WHERE a.${HOLDING} GROUP BY a.task HAVING count(*) > 1`,
  },
  {
    invariant: 'I5',
    query: `SELECT format('task %s has fence %d, and %d attempts up to number %d', t.id, t.fence, count(a.id), coalesce(max(a.number), 0))
        FROM task AS t LEFT JOIN attempt AS a ON a.task = t.sequence
       GROUP BY t.sequence HAVING t.fence <> count(a.id) OR t.fence <> coalesce(max(a.number), 0)`,
  },
  {
    invariant: 'I5',
    query: `SELECT format('attempt %d of task %s is %s, but %d is the newest', a.number, t.id, a.state, t.fence)
        FROM attempt AS a JOIN task AS t ON t.sequence = a.task
       WHERE a.${HOLDING} AND a.number <> t.fence`,
  },
  {
    invariant: 'I6',
    query: `SELECT format('task %s completed, its newest attempt is %s', t.id, coalesce(a.state, 'none'))
        FROM task AS t LEFT JOIN attempt AS a ON a.task = t.sequence AND a.number = t.fence
       WHERE t.state = 'completed' AND a.state IS NOT 'succeeded'`,
  },
  {
    invariant: 'I6',
    query: `SELECT format('attempt %d of task %s succeeded, but %d is the newest', a.number, t.id, t.fence)
        FROM attempt AS a JOIN task AS t ON t.sequence = a.task
       WHERE a.state = 'succeeded' AND a.number <> t.fence`,
  },
  {
    invariant: 'I6',
    query: `SELECT format('attempt %d of task %s is of session %d of worker %s, which is at %d', a.number, t.id, a.session, w.id, w.row ->> '$.session')
        FROM attempt AS a JOIN task AS t ON t.sequence = a.task JOIN worker AS w ON w.id = a.worker_id
       WHERE a.${HOLDING} AND a.session > w.row ->> '$.session'`,
  },
  {
    invariant: 'I7',
    query: `SELECT format('the store is at epoch %d, the newest of its leaders at %d', meta.epoch, coalesce(max(l.epoch), 0))
        FROM meta LEFT JOIN leadership AS l GROUP BY meta.one HAVING meta.epoch <> coalesce(max(l.epoch), 0)`,
  },
  {
    invariant: 'I7',
    query: `SELECT format('the cluster is at epoch %d, the store at %d', row ->> '$.epoch', meta.epoch)
        FROM cluster, meta WHERE row ->> '$.epoch' > meta.epoch`,
  },
  {
    invariant: 'I7',
    query: `SELECT format('epoch %d began after event %d, the one before it after event %d', l.epoch, l.after_event, b.after_event)
        FROM leadership AS l JOIN leadership AS b ON b.epoch = (SELECT max(epoch) FROM leadership WHERE epoch < l.epoch)
       WHERE l.after_event < b.after_event`,
  },
  {
    invariant: 'I8',
    query: `SELECT format('events %d to %d are missing', before + 1, sequence - 1)
        FROM (SELECT sequence, lag(sequence) OVER (ORDER BY sequence) AS before FROM event)
       WHERE before IS NOT NULL AND sequence <> before + 1`,
  },
  {
    invariant: 'I8',
    query: `SELECT format('the cluster counts %d events, the newest is %d', row ->> '$.eventSequence', newest)
        FROM cluster, (SELECT coalesce(max(sequence), 0) AS newest FROM event) WHERE row ->> '$.eventSequence' <> newest`,
  },
  {
    invariant: 'I8',
    query: `SELECT format('the cluster counts %d tasks, task %s has number %d', row ->> '$.taskSequence', t.id, t.sequence)
        FROM cluster, (SELECT id, max(sequence) AS sequence FROM task) AS t WHERE t.sequence > row ->> '$.taskSequence'`,
  },
  {
    invariant: 'I8',
    query: `SELECT format('there are %d tasks and %d events, but no cluster row', tasks, events)
        FROM (SELECT count(*) AS tasks FROM task), (SELECT count(*) AS events FROM event)
       WHERE tasks + events > 0 AND NOT EXISTS (SELECT 1 FROM cluster)`,
  },
  {
    // It grows with each step: that of every assignment, the first of which may be that of the submit, and a later one.
    invariant: 'I8',
    query: `SELECT format('task %s has version %d after %d attempts in state %s', id, version, fence, state) FROM task
       WHERE version < 1 OR version < fence + (state <> 'assigned') OR NOT (${LIVE} OR ${ENDED})`,
  },
  {
    invariant: 'I8',
    query: `SELECT format('attempt %d of task %s is %s', a.number, t.id, a.state)
        FROM attempt AS a JOIN task AS t ON t.sequence = a.task
       WHERE NOT (a.${HOLDING} OR a.state IN ('succeeded', 'failed', 'cancelled', 'lost', 'superseded'))
          OR (a.state = 'running' AND a.started_at IS NULL) OR (a.state = 'stopping' AND a.stop_reason IS NULL)`,
  },
  {
    invariant: 'I14',
    query: `SELECT format('task %s failed %d times by itself (%d allowed) and %d times by the cluster, in %d attempts',
                          t.id, user_failures, 1 + (s.spec ->> '$.retry.limit'), infra_failures, fence)
        FROM task AS t JOIN spec AS s ON s.id = t.spec
       WHERE min(user_failures, infra_failures) < 0 OR user_failures > 1 + (s.spec ->> '$.retry.limit')
          OR user_failures + infra_failures > fence`,
  },
  {
    invariant: 'I16',
    query: `SELECT format('task %s is %s and still waits for %s', id, state, waits_for) FROM task
       WHERE waits_for IS NOT NULL AND state <> 'pending'`,
  },
  {
    invariant: 'I16',
    query: `SELECT format('task %s waits for %s, which is %s', t.id, w.value, coalesce(parent.state, 'gone'))
        FROM task AS t JOIN json_each(t.waits_for) AS w LEFT JOIN task AS parent ON parent.id = w.value
       WHERE t.state = 'pending' AND t.waits_for IS NOT NULL AND (parent.id IS NULL OR parent.${ENDED})`,
  },
  {
    invariant: 'I16',
    query: `SELECT format('task %s was started, its parent %s is %s', t.id, parent.id, parent.state)
        FROM task AS t JOIN spec AS s ON s.id = t.spec JOIN json_each(s.spec, '$.dependsOn') AS d
        JOIN task AS parent ON parent.id = d.value
       WHERE t.fence > 0 AND parent.state <> 'completed'`,
  },
  {
    invariant: 'rows',
    query: `SELECT format('namespace %s has %d tasks that are %s, and %d by their count', namespace, sum(counted), state, sum(kept))
        FROM (SELECT namespace, state, count(*) AS counted, 0 AS kept FROM task GROUP BY namespace, state
               UNION ALL SELECT namespace, state, 0, count FROM task_count)
       GROUP BY namespace, state HAVING sum(counted) <> sum(kept)`,
  },
  {
    invariant: 'rows',
    query: `SELECT format('attempt %d names the task with sequence %d, which is not there', number, task) FROM attempt
       WHERE NOT EXISTS (SELECT 1 FROM task WHERE task.sequence = attempt.task)`,
  },
  {
    invariant: 'rows',
    query: `SELECT format('task %s names spec %d, which is not there', id, spec) FROM task
       WHERE NOT EXISTS (SELECT 1 FROM spec WHERE spec.id = task.spec)`,
  },
  {
    invariant: 'rows',
    query: `SELECT format('task %s names job %s, which is not there', id, job_id) FROM task
       WHERE job_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = task.job_id)`,
  },
  {
    invariant: 'rows',
    query: `SELECT format('task %s has the label %s=%s, the index of labels does not', t.id, e.key, e.value)
        FROM task AS t JOIN spec AS s ON s.id = t.spec JOIN json_each(s.spec, '$.labels') AS e
       WHERE NOT EXISTS (SELECT 1 FROM label AS l WHERE l.key = e.key AND l.value = e.value AND l.task = t.sequence)`,
  },
  {
    invariant: 'rows',
    query: `SELECT format('label %s=%s is on the task with sequence %d, which does not have it', l.key, l.value, l.task)
        FROM label AS l
       WHERE NOT EXISTS (SELECT 1 FROM task AS t JOIN spec AS s ON s.id = t.spec JOIN json_each(s.spec, '$.labels') AS e
                          WHERE t.sequence = l.task AND e.key = l.key AND e.value = l.value)`,
  },
  {
    invariant: 'rows',
    query: `SELECT format('task %s has sequence %d, its event %d says %d', t.id, t.sequence, e.sequence, e.task)
        FROM event AS e JOIN task AS t ON t.id = e.task_id WHERE e.task IS NOT t.sequence`,
  },
];
