/**
 * What has to be true of the state at all times, numbered as in `docs/reference/invariants.md`. `check` recomputes
 * everything from the rows and is for tests, simulation and audits; `checkTask` looks at one task and runs after
 * every step in production too.
 */
import { type Attempt, isLive } from './model/attempt.ts';
import { add, amountOf, namesOf, type Resources, ZERO } from './model/resources.ts';
import { isTerminal, type Task, type TaskState } from './model/task.ts';
import { type EngineState, timerKey, type WorkerEntry } from './state.ts';

/** A bug: the process has to stop and start again from what is stored. */
export class InvariantBroken extends Error {
  readonly invariant: string;
  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.name = 'InvariantBroken';
    this.invariant = invariant;
  }
}

export function check(state: EngineState): void {
  for (const task of state.tasks.values()) checkTask(state, task);
  for (const entry of state.workers.values()) checkWorker(state, entry);
  checkUsage(state);
  checkIndexes(state);
  checkTimers(state);
}

export function checkTask(state: EngineState, task: Task): void {
  const attempts = state.attempts.get(task.id) ?? [];
  const terminal = isTerminal(task.state);
  hold('I4', terminal === (task.reason !== null && task.endedAt !== null), task, 'is ended by halves');
  hold('I5', task.fence === attempts.length, task, `has fence ${task.fence} and ${attempts.length} attempts`);
  for (let n = 1; n <= attempts.length; n++) checkAttempt(task, attempts[n - 1]!, n, attempts.length);
  const newest = attempts.at(-1);
  const live = newest !== undefined && isLive(newest.state);
  if (terminal) {
    hold('I2', !live || newest.stopReason !== null, task, 'has ended and its attempt goes on');
    hold('I6', task.state !== 'completed' || newest?.state === 'succeeded', task, 'completed without a success');
    hold('I4', task.waitsFor.length === 0 && task.eligibleAt === null, task, 'has ended and still waits');
  } else {
    const placed = task.state === 'assigned' || task.state === 'running';
    hold('I2', placed === live, task, `is ${task.state} and its newest attempt is ${newest?.state ?? 'none'}`);
    hold('I2', task.state !== 'running' || newest!.startedAt !== null, task, 'runs and never started');
    hold('I16', task.state === 'pending' || task.waitsFor.length === 0, task, `is ${task.state} before its parents`);
    hold(
      'I15',
      task.state === 'queued' || task.state === 'pending' ? task.message !== null : true,
      task,
      'waits without a reason',
    );
  }
  const { infraRetries, poisonWorkers } = state.config;
  hold('I14', task.userFailures <= task.spec.retry.limit + 1, task, `failed ${task.userFailures} times`);
  hold('I14', task.infraFailures <= infraRetries + 1, task, `was lost ${task.infraFailures} times`);
  hold('I14', task.suspectWorkers.length <= poisonWorkers, task, 'hurt too many workers');
}

function checkAttempt(task: Task, attempt: Attempt, number: number, newest: number): void {
  const live = isLive(attempt.state);
  hold('I5', attempt.number === number, task, `has attempt ${attempt.number} in place of ${number}`);
  hold('I5', !live || number === newest, task, `has an old attempt ${number} that lives`);
  hold(
    'I4',
    live === (attempt.endedAt === null && attempt.reason === null),
    task,
    `has attempt ${number} ended by halves`,
  );
  hold(
    'I2',
    (attempt.expiresAt !== null) === (attempt.state === 'assigned'),
    task,
    `has attempt ${number} with a wrong expiry`,
  );
  const needsStart = attempt.state === 'running';
  hold('I8', !needsStart || attempt.startedAt !== null, task, `has attempt ${number} running without a start`);
  hold(
    'I8',
    attempt.state !== 'stopping' || attempt.stopReason !== null,
    task,
    `has attempt ${number} stopping for no reason`,
  );
}

function checkWorker(state: EngineState, entry: WorkerEntry): void {
  const { id, capacity } = entry.worker;
  let sum: Resources = ZERO;
  for (const taskId of entry.live) {
    const attempt = state.liveAttempt(taskId);
    if (attempt === undefined || attempt.workerId !== id)
      fail('I2', `worker ${id} holds task ${taskId}, which does not live there`);
    sum = add(sum, attempt.reserved);
  }
  if (entry.ledger === null) {
    if (capacity !== null || entry.live.size > 0) fail('I1', `worker ${id} has no ledger`);
    return;
  }
  const allocated = entry.ledger.allocated;
  for (const name of new Set([...namesOf(sum), ...namesOf(allocated), ...namesOf(entry.ledger.capacity.resources)])) {
    const held = amountOf(allocated, name);
    if (held !== amountOf(sum, name))
      fail('I1', `worker ${id} has ${held} ${name} allocated, its attempts hold ${amountOf(sum, name)}`);
    const most = amountOf(entry.ledger.capacity.resources, name);
    if (!Number.isSafeInteger(held) || held < 0 || (held > most && !entry.shrunk))
      fail('I1', `worker ${id} has ${held} of ${most} ${name} allocated`);
  }
  if (entry.shrunk !== entry.ledger.overcommitted) fail('I1', `worker ${id} is wrongly said to have shrunk`);
  if (entry.worker.connected && entry.worker.state !== 'active' && entry.worker.state !== 'suspect')
    fail('I8', `worker ${id} is ${entry.worker.state} and connected`);
}

/** I17 as far as sums go; that a placement respects the quota is commit's check, as a quota may be lowered later. */
function checkUsage(state: EngineState): void {
  const sums = new Map<string, Resources>();
  for (const [taskId, attempts] of state.attempts) {
    const task = state.tasks.get(taskId);
    if (task === undefined) fail('I21', `attempts of task ${taskId} outlive it`);
    for (const attempt of attempts)
      if (isLive(attempt.state)) {
        sums.set(task.namespace, add(sums.get(task.namespace) ?? ZERO, attempt.reserved));
        if (!state.workers.get(attempt.workerId)?.live.has(taskId))
          fail('I2', `worker ${attempt.workerId} does not know that task ${taskId} lives there`);
      }
  }
  for (const namespace of new Set([...sums.keys(), ...state.usage.keys()])) {
    const sum = sums.get(namespace) ?? ZERO;
    const used = state.used(namespace);
    for (const name of new Set([...namesOf(sum), ...namesOf(used)]))
      if (amountOf(sum, name) !== amountOf(used, name))
        fail(
          'I17',
          `namespace ${namespace} uses ${amountOf(used, name)} ${name}, its attempts hold ${amountOf(sum, name)}`,
        );
  }
}

function checkIndexes(state: EngineState): void {
  const counts = new Map<TaskState, number>();
  const edges = new Set<string>();
  for (const task of state.tasks.values()) {
    counts.set(task.state, (counts.get(task.state) ?? 0) + 1);
    if (state.queue.has(task.id) !== (task.state === 'queued'))
      fail('I15', `task ${task.id} is ${task.state}, the queue disagrees`);
    if (task.state === 'pending')
      for (const parent of task.waitsFor) {
        const row = state.tasks.get(parent);
        if (row === undefined || isTerminal(row.state)) fail('I16', `task ${task.id} waits for ${parent} for ever`);
        edges.add(`${parent}/${task.id}`);
      }
    const free = isTerminal(task.state) && state.liveAttempt(task.id) === undefined;
    if ((state.ended.at(task.id) !== null) !== free)
      fail('I21', `task ${task.id} would be forgotten too early or never`);
  }
  for (const [name, count] of Object.entries(state.counts))
    if ((counts.get(name as TaskState) ?? 0) !== count) fail('I21', `${count} tasks are said to be ${name}`);
  let links = 0;
  for (const [parent, children] of state.children)
    for (const child of children) {
      links += 1;
      if (!edges.has(`${parent}/${child}`))
        fail('I16', `task ${parent} has ${child} as a child, which does not wait for it`);
    }
  if (links !== edges.size) fail('I16', `${edges.size} tasks wait for a parent, ${links} are linked`);
  if (state.queue.size !== state.counts.queued)
    fail('I15', `the queue has ${state.queue.size} of ${state.counts.queued} tasks`);
  if (state.ended.size + state.waiting > state.tasks.size) fail('I21', 'more tasks are remembered than known');
  for (const id of state.unexplained) if (!state.queue.has(id)) fail('I21', `task ${id} is not queued`);
}

/** The timers are a function of the rows. Silence timers may stand too early (heartbeats do not move them), never late. */
function checkTimers(state: EngineState): void {
  const due = new Map<string, number>();
  const want = (key: string, at: number | null) => {
    if (at !== null) due.set(key, at);
  };
  for (const task of state.tasks.values()) {
    want(timerKey('eligible', task.id), state.eligibleDue(task));
    want(timerKey('queueTimeout', task.id), state.queueTimeoutDue(task));
    const live = state.liveAttempt(task.id);
    if (live?.state === 'assigned') want(timerKey('reservation', task.id), live.expiresAt);
  }
  for (const [id, entry] of state.workers) {
    want(timerKey('silence', id), state.silenceDue(entry));
    const { drain } = entry.worker;
    const stops = drain?.deadlineAt != null && hasUnstopped(state, entry);
    if (stops) want(timerKey('drain', id), drain.deadlineAt);
  }
  for (const [key, at] of due) {
    const armed = state.timers.at(key);
    const early = key.startsWith('silence:');
    if (armed === null || (early ? armed > at : armed !== at))
      fail('I18', `timer ${key} is armed for ${armed}, due at ${at}`);
  }
  for (const { key } of state.timers.values()) {
    const [kind, id] = [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)];
    const owned = due.has(key) || (kind === 'drain' && state.workers.get(id)?.worker.drain?.deadlineAt != null);
    if (!owned) fail('I18', `timer ${key} is armed for nobody`);
  }
}

function hasUnstopped(state: EngineState, entry: WorkerEntry): boolean {
  for (const taskId of entry.live) if (state.liveAttempt(taskId)?.stopReason === null) return true;
  return false;
}

function hold(invariant: string, holds: boolean, task: Task, what: string): void {
  if (!holds) fail(invariant, `task ${task.id} ${what}`);
}

function fail(invariant: string, message: string): never {
  throw new InvariantBroken(invariant, message);
}
