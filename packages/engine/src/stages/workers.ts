/** Which workers there are, as admins decide: register, join, renew, label, unregister. */
import { type Command, type JoinWorker, type RegisterWorker, type Reply, reject } from '../command.ts';
import type { WorkerEntry } from '../state.ts';
import type { Step } from '../step.ts';
import { changeWorker, createWorker, removeWorker } from '../transitions.ts';
import { stopOnWorker } from './dispatch.ts';
import { notRegistered } from './sessions.ts';
import { giveUpAttempts } from './silence.ts';

const WORKER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const DONE: Reply = { ok: true, kind: 'done' };

export function registerWorker(step: Step, command: RegisterWorker): Reply {
  const { workerId, address, by } = command;
  if (!WORKER_ID.test(workerId))
    return reject(
      'invalid_argument',
      `Worker id ${JSON.stringify(workerId)} is not allowed: 1 to 63 letters, digits, ".", "_" or "-", beginning with a letter or digit.`,
    );
  const joinToken = { hash: command.joinTokenHash, expiresAt: command.joinTokenExpiresAt };
  const entry = step.state.workers.get(workerId);
  if (entry === undefined) {
    createWorker(step, {
      id: workerId,
      state: 'registered',
      address,
      remoteAddress: null,
      version: null,
      capacity: null,
      detectedLabels: {},
      labels: {},
      session: 0,
      incarnation: null,
      connected: false,
      lastSeenAt: null,
      drain: null,
      unhealthy: null,
      joinToken,
      certificateSerial: null,
      registeredAt: step.now,
    });
    step.event('worker_added', { workerId, by, message: address });
    return DONE;
  }
  if (entry.worker.state === 'revoked') {
    changeWorker(step, workerId, { state: 'registered', joinToken, address: address ?? entry.worker.address });
    step.event('worker_added', { workerId, by, message: address });
    return DONE;
  }
  if (!command.renew) return reject('worker_exists', `worker ${workerId} already registered`);
  changeWorker(step, workerId, { joinToken, address: address ?? entry.worker.address });
  step.event('worker_updated', { workerId, by, message: 'A new join token was made.' });
  return DONE;
}

export function joinWorker(step: Step, command: JoinWorker): Reply {
  const { workerId } = command;
  const entry = step.state.workers.get(workerId);
  if (entry === undefined) return notRegistered(workerId);
  if (entry.worker.state === 'revoked')
    return reject(
      'worker_revoked',
      `Worker ${workerId} was unregistered. Register it again and join with the new token.`,
    );
  const { joinToken } = entry.worker;
  if (joinToken === null || joinToken.hash !== command.joinTokenHash || joinToken.expiresAt <= step.now)
    return reject(
      'join_token_invalid',
      `The join token of worker ${workerId} is wrong, used or expired. An admin makes a new one with: cloudai register ${workerId} --renew`,
    );
  // Who joins again has lost the old certificate, or somebody else has it: its session ends here.
  if (entry.worker.connected) hangUp(step, entry, 'certificate_superseded', `Worker ${workerId} has joined again.`);
  changeWorker(step, workerId, { joinToken: null, certificateSerial: command.certificateSerial });
  step.event('worker_joined', { workerId });
  return DONE;
}

export function renewWorker(step: Step, command: Extract<Command, { kind: 'renewWorker' }>): Reply {
  const entry = step.state.workers.get(command.workerId);
  if (entry === undefined) return notRegistered(command.workerId);
  if (entry.worker.state === 'revoked') return reject('worker_revoked', `Worker ${command.workerId} was unregistered.`);
  const current = entry.worker.certificateSerial;
  // Shown twice at the same time.
  if (current === command.certificateSerial) return DONE;
  if (current === null)
    return reject('certificate_superseded', `Worker ${command.workerId} has to join again before it can renew.`);
  // Compared here, where commands have an order: the worker may have joined anew while this one was under way.
  if (current !== command.renews)
    return reject('certificate_superseded', `A newer certificate was issued to worker ${command.workerId}.`);
  changeWorker(step, command.workerId, { certificateSerial: command.certificateSerial });
  return DONE;
}

/** Sets and removes labels of the operator's; those that the worker reports of itself are not touched. */
export function labelWorker(step: Step, command: Extract<Command, { kind: 'labelWorker' }>): Reply {
  const { workerId, by } = command;
  const entry = step.state.workers.get(workerId);
  if (entry === undefined) return reject('worker_unknown', `Worker ${workerId} not found`);
  const kept = Object.entries(entry.worker.labels).filter(([name]) => !command.remove.includes(name));
  changeWorker(step, workerId, { labels: Object.fromEntries([...kept, ...Object.entries(command.set)]) });
  const set = Object.entries(command.set).map(([name, value]) => `${name}=${value}`);
  step.event('worker_labelled', {
    workerId,
    by,
    message: [...set, ...command.remove.map((name) => `${name}-`)].join(' '),
  });
  step.state.passWanted = true;
  return DONE;
}

/** One that never joined is simply gone; others stay as `revoked`, so that the refusal can say why. */
export function unregisterWorker(step: Step, command: Extract<Command, { kind: 'unregisterWorker' }>): Reply {
  const { workerId, by } = command;
  const entry = step.state.workers.get(workerId);
  if (entry === undefined) return reject('worker_unknown', `Worker ${workerId} not found`);
  if (entry.worker.state === 'revoked') return DONE;
  if (entry.live.size > 0 && !command.force)
    return reject(
      'worker_busy',
      `${entry.live.size} ${entry.live.size === 1 ? 'task lives' : 'tasks live'} on worker ${workerId}. Drain it first, or force it.`,
    );
  for (const taskId of [...entry.live].sort()) stopOnWorker(step, step.state.liveAttempt(taskId)!, 'evicted');
  if (entry.worker.connected) hangUp(step, entry, 'worker_revoked', `Worker ${workerId} was unregistered.`);
  giveUpAttempts(step, entry, 'Its worker was unregistered.');
  step.event('worker_removed', { workerId, by });
  if (entry.worker.certificateSerial === null && entry.worker.session === 0) removeWorker(step, workerId);
  else changeWorker(step, workerId, { state: 'revoked', joinToken: null, certificateSerial: null, drain: null });
  return DONE;
}

function hangUp(step: Step, entry: WorkerEntry, code: string, message: string): void {
  const { id, session } = entry.worker;
  step.effects.push({ kind: 'closeSession', workerId: id, session, code, message });
  changeWorker(step, id, { connected: false });
  step.event('worker_disconnected', { workerId: id, message });
}
