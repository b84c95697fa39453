/**
 * A worker's session: hello, heartbeats, goodbye. Every accepted hello begins a new session with a higher number;
 * what older ones still say is fenced. Heartbeats only move a time in memory, so they cost nothing.
 */
import { type Command, type ConnectWorker, type Rejection, type Reply, reject } from '../command.ts';
import type { Attempt } from '../model/attempt.ts';
import { amountsProblem } from '../model/spec.ts';
import type { WorkerCapacity } from '../model/worker.ts';
import type { EngineState, WorkerEntry } from '../state.ts';
import type { Step } from '../step.ts';
import { changeAttempt, changeWorker, taskEvent } from '../transitions.ts';
import { stopOnWorker } from './dispatch.ts';
import { reconcile } from './reconcile.ts';
import { fenced } from './report.ts';

/** An identity moves between two live processes at most this often; otherwise a cloned disk would flap for ever. */
export const SWITCH_INTERVAL_MS = 60_000;

export function connectWorker(step: Step, command: ConnectWorker): Reply {
  const entry = step.state.workers.get(command.workerId);
  if (entry === undefined) return notRegistered(command.workerId);
  const refusal =
    identityProblem(entry, command) ?? capacityProblem(command.capacity) ?? cloneProblem(step, entry, command);
  if (refusal !== null) return refusal;

  const before = entry.worker;
  if (before.connected) closeOld(step, entry, command.incarnation);
  entry.lastSeenAt = step.now;
  const session = before.session + 1;
  changeWorker(step, before.id, {
    state: 'active',
    remoteAddress: command.remoteAddress,
    version: command.version,
    capacity: command.capacity,
    detectedLabels: command.labels,
    session,
    incarnation: command.incarnation,
    connected: true,
    unhealthy: command.unhealthy,
  });
  const message =
    command.unhealthy === null
      ? `Version ${command.version}.`
      : `Version ${command.version}; can not run tasks: ${command.unhealthy}`;
  step.event('worker_connected', { workerId: before.id, message });
  const abandon = reconcile(step, entry, command.found);
  step.state.passWanted = true;
  return { ok: true, kind: 'connected', session, abandon };
}

export function notRegistered(workerId: string): Rejection {
  return reject(
    'worker_not_registered',
    `Worker ${workerId} is not authorized. Admin must register it first using: register ${workerId} <ip:port>`,
  );
}

function identityProblem({ worker }: WorkerEntry, { certificateSerial }: ConnectWorker): Rejection | null {
  if (worker.state === 'revoked')
    return reject(
      'worker_revoked',
      `Worker ${worker.id} was unregistered. Register it again and join with the new token.`,
    );
  if (worker.certificateSerial === certificateSerial) return null;
  return reject(
    'certificate_superseded',
    worker.certificateSerial === null
      ? `Worker ${worker.id} has not joined. Join with the token that its registration gave.`
      : `A newer certificate than the one shown was issued to worker ${worker.id}. Use that one, or join again.`,
  );
}

function capacityProblem({ resources, gpus }: WorkerCapacity): Rejection | null {
  const twice = new Set(gpus.map((gpu) => gpu.index)).size < gpus.length;
  const problem = amountsProblem(resources) ?? (twice ? 'Two GPUs have the same index.' : null);
  return problem === null ? null : reject('invalid_argument', `Capacity: ${problem}`);
}

/**
 * Two live processes with one identity: a cloned disk, or one that came back before its old connection was missed.
 * The later one wins, but only once in a while.
 */
function cloneProblem(step: Step, entry: WorkerEntry, { incarnation }: ConnectWorker): Rejection | null {
  const { worker } = entry;
  if (!isClone(step, entry, incarnation)) return null;
  const switchable = entry.switchedAt === null || step.now - entry.switchedAt >= SWITCH_INTERVAL_MS;
  const verdict = switchable ? 'the later one took its place' : 'the later one was refused';
  step.event('worker_duplicate', {
    workerId: worker.id,
    message: `Two processes call themselves ${worker.id}: ${verdict}.`,
  });
  if (switchable) {
    entry.switchedAt = step.now;
    return null;
  }
  return reject(
    'duplicate_identity',
    `Another process is connected as worker ${worker.id}. Stop one of them and give each machine an id of its own.`,
  );
}

function isClone(step: Step, entry: WorkerEntry, incarnation: string): boolean {
  const { worker, lastSeenAt } = entry;
  const fresh = lastSeenAt !== null && step.now - lastSeenAt < step.state.config.duplicateWindowMs;
  return worker.connected && worker.incarnation !== incarnation && fresh;
}

function closeOld(step: Step, entry: WorkerEntry, incarnation: string): void {
  const { id, session } = entry.worker;
  const clone = isClone(step, entry, incarnation);
  step.effects.push({
    kind: 'closeSession',
    workerId: id,
    session,
    code: clone ? 'duplicate_identity' : 'fenced',
    message: clone
      ? `Another process connected as worker ${id}. Stop one of them and give each machine an id of its own.`
      : `Worker ${id} has begun a newer session.`,
  });
}

export type HeartbeatWorker = Extract<Command, { kind: 'heartbeatWorker' }>;

/** The short way of the usual heartbeat: of a worker in good standing, in its session, with nothing new to say. */
export function hear(state: EngineState, command: HeartbeatWorker): boolean {
  const entry = state.workers.get(command.workerId);
  if (entry === undefined || fenced(entry, command.session) !== null) return false;
  if (entry.worker.state !== 'active' || entry.worker.unhealthy !== command.unhealthy) return false;
  entry.lastSeenAt = state.now;
  return true;
}

export function heartbeatWorker(step: Step, command: HeartbeatWorker): Reply {
  const entry = step.state.workers.get(command.workerId);
  if (entry === undefined) return notRegistered(command.workerId);
  const fence = fenced(entry, command.session);
  if (fence !== null) return fence;
  hearFrom(step, entry);
  if (entry.worker.unhealthy !== command.unhealthy) {
    changeWorker(step, entry.worker.id, { unhealthy: command.unhealthy });
    step.event(command.unhealthy === null ? 'worker_healthy' : 'worker_unhealthy', {
      workerId: entry.worker.id,
      message: command.unhealthy,
    });
    step.state.passWanted = true;
  }
  return { ok: true, kind: 'done' };
}

/** A sign of life in the session in force. A worker that was only suspected goes on as if nothing had been. */
export function hearFrom(step: Step, entry: WorkerEntry): void {
  entry.lastSeenAt = step.now;
  if (entry.worker.state !== 'suspect') return;
  changeWorker(step, entry.worker.id, { state: 'active' });
  step.event('worker_updated', { workerId: entry.worker.id, message: 'Heard of again.' });
  for (const taskId of [...entry.live].sort()) {
    const attempt = step.state.liveAttempt(taskId)!;
    if (attempt.state === 'unknown') resume(step, attempt);
  }
  step.state.passWanted = true;
}

/** unknown → what it was: its worker was silent and still has it. */
export function resume(step: Step, attempt: Attempt): Attempt {
  const stops = attempt.stopReason !== null;
  const state = stops ? 'stopping' : attempt.startedAt === null ? 'starting' : 'running';
  const after = changeAttempt(step, attempt, { state });
  const task = step.state.tasks.get(attempt.taskId)!;
  taskEvent(step, 'attempt_resumed', task, { attempt: attempt.number, workerId: attempt.workerId });
  if (stops) stopOnWorker(step, after, attempt.stopReason!);
  return after;
}

type DisconnectWorker = Extract<Command, { kind: 'disconnectWorker' }>;

/** The connection is gone; the worker may be back before anybody misses it. */
export function disconnectWorker(step: Step, command: DisconnectWorker): Reply {
  const entry = step.state.workers.get(command.workerId);
  if (entry === undefined) return reject('worker_unknown', `Worker ${command.workerId} not found`);
  if (fenced(entry, command.session) !== null) return { ok: true, kind: 'done' };
  changeWorker(step, entry.worker.id, { connected: false });
  step.event('worker_disconnected', { workerId: entry.worker.id });
  return { ok: true, kind: 'done' };
}
