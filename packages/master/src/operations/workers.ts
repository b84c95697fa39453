import { WORKER_STATES, type WorkerView } from '@cloudai/api/rest';
import { type Attempt, type Worker, ZERO } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { time, workerView } from '../views.ts';
import { type Call, namespacesOf, type Operations, submit } from './call.ts';
import { readPage } from './page.ts';
import { invalid, Rejected } from './rejected.ts';
import { readDuration } from './submission.ts';
import { readLabelPairs, readStates, splitList } from './task-filter.ts';
import { taskViewOf } from './tasks.ts';

type WorkerOperations = Pick<
  Operations,
  | 'listWorkers'
  | 'getWorker'
  | 'listWorkerTasks'
  | 'registerWorker'
  | 'unregisterWorker'
  | 'drainWorker'
  | 'labelWorker'
>;

const JOIN_TOKEN_TTL_MS = 15 * 60_000;
const JOIN_TOKEN_MAX_MS = 24 * 3_600_000;

export function workerOperations(context: MasterContext): WorkerOperations {
  return {
    /** By id, which is also the cursor. */
    listWorkers(call, { state, label, q, limit = 1000, cursor = '' }) {
      const states =
        state === undefined ? WORKER_STATES.filter((known) => known !== 'revoked') : readWorkerStates(state);
      const labels = Object.entries(label === undefined ? {} : readLabelPairs(label));
      const fitting = context.loop.engine
        .workers()
        .filter((worker) => states.includes(worker.state) && worker.id > cursor)
        .filter((worker) => labels.every(([key, value]) => labelsOf(worker)[key] === value))
        .filter(({ id, address }) => q === undefined || [id, address ?? ''].some((text) => text.includes(q)));
      const page = fitting.slice(0, limit);
      return {
        items: page.map((worker) => viewOf(context, call, worker)),
        next: fitting.length > limit ? page.at(-1)!.id : null,
      };
    },

    getWorker(call, { worker }) {
      return viewOf(context, call, findWorker(context, worker));
    },

    async listWorkerTasks(call, { worker, state, order = 'newest', limit = 100, cursor: asked }) {
      const filter = {
        namespaces: namespacesOf(call, undefined),
        workerId: findWorker(context, worker).id,
        ...(state === undefined ? {} : { states: readStates(state) }),
      };
      const { items, next } = await readPage(asked, (cursor) => context.store.tasks(filter, order, limit, cursor));
      return { items: await Promise.all(items.map((task) => taskViewOf(context, task))), next };
    },

    async registerWorker(call, { body }) {
      const ttl = readDuration(body.tokenTtl, 'tokenTtl', { most: JOIN_TOKEN_MAX_MS }) ?? JOIN_TOKEN_TTL_MS;
      const { token, hash } = context.identity.makeJoinToken(body.id);
      const expiresAt = context.now() + ttl;
      const by = call.subject.user;
      await submit(
        context,
        {
          kind: 'registerWorker',
          workerId: body.id,
          address: readAddress(body.address),
          joinTokenHash: hash,
          joinTokenExpiresAt: expiresAt,
          renew: body.renew ?? false,
          by,
        },
        'done',
      );
      const labels = body.labels ?? {};
      if (Object.keys(labels).length > 0)
        await submit(context, { kind: 'labelWorker', workerId: body.id, set: labels, remove: [], by }, 'done');
      return {
        worker: viewOf(context, call, findWorker(context, body.id)),
        joinToken: token,
        expiresAt: time(expiresAt),
        command: `cloudai worker --master ${context.workerEndpoint} --join ${token}`,
      };
    },

    async unregisterWorker(call, { worker, force }) {
      await submit(
        context,
        { kind: 'unregisterWorker', workerId: worker, by: call.subject.user, force: force ?? false },
        'done',
      );
      return undefined;
    },

    async drainWorker(call, { worker, body = {} }) {
      const within = readDuration(body.deadline, 'deadline');
      const drain =
        body.off === true
          ? null
          : { deadlineAt: within === null ? null : context.now() + within, reason: body.reason ?? null };
      await submit(context, { kind: 'drainWorker', workerId: worker, drain, by: call.subject.user }, 'done');
      return viewOf(context, call, findWorker(context, worker));
    },

    async labelWorker(call, { worker, body }) {
      const set = Object.entries(body).filter((entry): entry is [string, string] => entry[1] !== null);
      const remove = Object.keys(body).filter((key) => body[key] === null);
      const by = call.subject.user;
      await submit(
        context,
        { kind: 'labelWorker', workerId: worker, set: Object.fromEntries(set), remove, by },
        'done',
      );
      return viewOf(context, call, findWorker(context, worker));
    },
  };
}

export function findWorker(context: MasterContext, id: string): Worker {
  const worker = context.loop.engine.worker(id);
  if (worker === null)
    throw new Rejected('worker_unknown', `No worker has the id ${id}; list workers to see what there is`);
  return worker;
}

/** A worker is everybody's to see, the tasks on it only those of the caller's namespaces. */
function viewOf(context: MasterContext, call: Call, row: Worker): WorkerView {
  const { engine } = context.loop;
  const visible = namespacesOf(call, undefined);
  const mine = (attempt: Attempt) =>
    visible === 'all' || visible.includes(engine.task(attempt.taskId)?.namespace ?? '');
  return workerView({
    row,
    lastSeenAt: engine.lastSeenAt(row.id) ?? row.lastSeenAt,
    allocated: engine.allocated(row.id) ?? ZERO,
    available: engine.available(row.id),
    usage: context.usage.worker(row.id),
    attempts: engine.liveAttempts(row.id).filter(mine),
  });
}

/** `host`, `host:port` or `[v6]:port`; kept and shown, never dialled. */
function readAddress(address: string | undefined): string | null {
  if (address === undefined || address === '') return null;
  const match = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(\d{1,5}))?$/.exec(address);
  if (match === null || Number(match[1] ?? 1) > 65_535 || Number(match[1] ?? 1) === 0)
    throw invalid('address', `${address} is not host or host:port`);
  return address;
}

function labelsOf({ labels, detectedLabels }: Worker): Readonly<Record<string, string>> {
  return { ...detectedLabels, ...labels };
}

function readWorkerStates(text: string): string[] {
  return splitList(text).map((word) => {
    if (!WORKER_STATES.some((known) => known === word))
      throw invalid('state', `${word} is not one of ${WORKER_STATES.join(', ')}`);
    return word;
  });
}
