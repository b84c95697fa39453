import type { ClusterView, QueueView, TaskView, WorkerView } from '@cloudai/sdk';

export interface Concern {
  readonly key: string;
  readonly subject:
    | { readonly kind: 'task'; readonly task: TaskView }
    | { readonly kind: 'worker'; readonly id: string }
    | { readonly kind: 'master' };
  readonly what: string;
  readonly message: string | null;
  readonly at: string | null;
  readonly isSevere: boolean;
}

interface Facts {
  readonly cluster: ClusterView;
  readonly workers: readonly WorkerView[];
  /** The newest first. */
  readonly failed: readonly TaskView[];
  readonly queue: QueueView['items'];
}

/** A loop that lags so far behind is felt by everybody. */
const LAG_MS = 250;
/** The queue moves within seconds; who waits longer and is told why may need help. */
const PATIENCE_MS = 60_000;
const MOST_FAILED = 6;

/** The gravest first: the master, workers, tasks that wait for something that is not there, tasks that failed. */
export function concernsOf({ cluster, workers, failed, queue }: Facts): Concern[] {
  return [
    ...ofMaster(cluster),
    ...workers.flatMap(ofWorker),
    ...queue.flatMap(ofWaiting),
    ...failed.slice(0, MOST_FAILED).map(ofFailed),
  ];
}

function ofMaster({ store, loopLagMs }: ClusterView): Concern[] {
  const concern = (what: string, message: string): Concern => ({
    key: what,
    subject: { kind: 'master' },
    what,
    message,
    at: null,
    isSevere: true,
  });
  return [
    ...(store.full
      ? [concern('has a full disk', 'Nothing new is taken until there is room on the disk of the master.')]
      : []),
    ...(loopLagMs > LAG_MS ? [concern('is behind', `Its loop lags ${Math.round(loopLagMs)} ms.`)] : []),
  ];
}

function ofWorker({ id, state, unhealthy, lastSeenAt, runningTasks }: WorkerView): Concern[] {
  const concern = (what: string, message: string | null, isSevere: boolean): Concern[] => [
    { key: `worker ${id}`, subject: { kind: 'worker', id }, what, message, at: lastSeenAt, isSevere },
  ];
  if (state === 'lost')
    return concern('is lost', 'It was not heard of for too long; its tasks are placed elsewhere.', true);
  if (state === 'suspect')
    return concern('is suspect', `Not heard of for a while; ${runningTasks.length} tasks on it.`, false);
  return unhealthy === null || state === 'revoked' ? [] : concern('is unhealthy', unhealthy, true);
}

function ofWaiting({ task, message, waitingMs }: Facts['queue'][number]): Concern[] {
  if (message === null || waitingMs < PATIENCE_MS) return [];
  return [
    {
      key: `waits ${task.id}`,
      subject: { kind: 'task', task },
      what: 'waits',
      message,
      at: task.submittedAt,
      isSevere: false,
    },
  ];
}

function ofFailed(task: TaskView): Concern {
  return {
    key: `failed ${task.id}`,
    subject: { kind: 'task', task },
    what: `failed: ${task.reason ?? 'unknown'}`,
    message: task.message,
    at: task.endedAt,
    isSevere: true,
  };
}
