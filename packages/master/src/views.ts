/** Rows as users see them: times as text, the newest attempt beside the task, foreign names left out. Pure. */
import type {
  AttemptView,
  EventView,
  ExplanationView,
  NamespaceView,
  QuotaView,
  ResourcesView,
  TaskView,
  TokenView,
  UsageView,
  UserView,
  WorkerView,
} from '@cloudai/api/rest';
import type {
  ApiToken,
  Attempt,
  ClusterEvent,
  Explanation,
  Namespace,
  Resources,
  Task,
  TaskCommand,
  User,
  Worker,
} from '@cloudai/engine';
import type { WorkerUsage } from './context.ts';

/** Lists show no more of a command; the spec has all of it. */
const MAX_COMMAND_SHOWN = 1024;
/** The last time that is written with four digits of year. */
const MAX_TIME_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export function taskView(task: Task, newest: Attempt | null): TaskView {
  return {
    id: task.id,
    namespace: task.namespace,
    owner: task.owner,
    name: task.name,
    jobId: task.jobId,
    retryOf: task.retryOf,
    image: task.spec.image,
    command: commandText(task.spec.command),
    resources: resourcesView(task.spec.request),
    priority: task.priority,
    labels: { ...task.spec.labels },
    state: task.state,
    reason: task.reason,
    message: task.message,
    exitCode: task.exitCode,
    attempt: task.fence,
    worker: newest?.workerId ?? null,
    submittedAt: time(task.submittedAt),
    queuedAt: timeOrNull(task.queuedAt),
    startedAt: timeOrNull(task.startedAt),
    endedAt: timeOrNull(task.endedAt),
    version: task.version,
  };
}

export function attemptView(attempt: Attempt): AttemptView {
  const { result } = attempt;
  return {
    taskId: attempt.taskId,
    number: attempt.number,
    worker: attempt.workerId,
    state: attempt.state,
    reason: attempt.reason,
    message: result?.message ?? null,
    exitCode: result?.exitCode ?? null,
    placedBy: attempt.placedBy,
    progress: attempt.progress,
    containerId: attempt.containerId,
    imageDigest: attempt.imageDigest,
    assignedAt: time(attempt.assignedAt),
    startedAt: timeOrNull(attempt.startedAt),
    endedAt: timeOrNull(attempt.endedAt),
    peakMemoryBytes: result?.peakMemoryBytes ?? null,
    cpuMillisSeconds: result?.cpuMillisSeconds ?? null,
    logBytes: result === null ? null : { ...result.logBytes },
    artifacts: (result?.artifacts ?? []).map((artifact) => ({ ...artifact, attempt: attempt.number })),
  };
}

export interface WorkerFacts {
  readonly row: Worker;
  readonly lastSeenAt: number | null;
  readonly allocated: Resources;
  readonly available: Resources | null;
  readonly usage: WorkerUsage | null;
  /** Live attempts that the reader may know of. */
  readonly attempts: readonly Attempt[];
}

export function workerView(facts: WorkerFacts): WorkerView {
  const { row } = facts;
  return {
    id: row.id,
    state: row.state,
    connected: row.connected,
    address: row.address,
    remoteAddress: row.remoteAddress,
    version: row.version,
    total: row.capacity === null ? null : resourcesView(row.capacity.resources),
    allocated: resourcesView(facts.allocated),
    available: facts.available === null ? null : resourcesView(facts.available),
    usage: facts.usage === null ? null : usageView(facts.usage),
    gpus: (row.capacity?.gpus ?? []).map(({ index, uuid, model, memoryBytes }) => ({
      index,
      uuid,
      model,
      memoryBytes,
    })),
    labels: { ...row.detectedLabels, ...row.labels },
    runningTasks: facts.attempts.map((attempt) => ({
      taskId: attempt.taskId,
      attempt: attempt.number,
      state: attempt.state,
      resources: resourcesView(attempt.reserved),
    })),
    drain:
      row.drain === null
        ? null
        : { since: time(row.drain.since), deadlineAt: timeOrNull(row.drain.deadlineAt), reason: row.drain.reason },
    unhealthy: row.unhealthy,
    lastSeenAt: timeOrNull(facts.lastSeenAt),
    registeredAt: time(row.registeredAt),
  };
}

export function usageView(usage: WorkerUsage): UsageView {
  const { cpu, memoryBytes, storageBytes, gpu, networkRxBytes, networkTxBytes, at } = usage;
  return { cpu, memoryBytes, storageBytes, gpu, networkRxBytes, networkTxBytes, at: time(at) };
}

export function eventView(event: ClusterEvent): EventView {
  return {
    sequence: event.sequence,
    at: time(event.at),
    kind: event.kind,
    namespace: event.namespace,
    taskId: event.taskId,
    attempt: event.attempt,
    worker: event.workerId,
    by: event.by,
    message: event.message,
  };
}

export function explanationView(explanation: Explanation): ExplanationView {
  return {
    ...explanation,
    workers: explanation.workers.map((verdict) => ({
      ...verdict,
      obstacles: verdict.obstacles.map((obstacle) => ({ ...obstacle })),
      scores: { ...verdict.scores },
    })),
  };
}

export function namespaceView(namespace: Namespace): NamespaceView {
  return {
    name: namespace.name,
    quota: namespace.quota === null ? null : quotaView(namespace.quota),
    createdAt: time(namespace.createdAt),
  };
}

/** More than any cluster has: how an amount is stored that a quota does not bound. */
export const UNBOUNDED = Number.MAX_SAFE_INTEGER;

function quotaView({ cpuMillis, memoryBytes, storageBytes, gpuMillis, custom }: Resources): QuotaView {
  const bound = (amount: number) => (amount === UNBOUNDED ? null : amount);
  return {
    cpuMillis: bound(cpuMillis),
    memoryBytes: bound(memoryBytes),
    storageBytes: bound(storageBytes),
    gpuMillis: bound(gpuMillis),
    custom,
  };
}

export function userView(user: User): UserView {
  return {
    name: user.name,
    role: user.role,
    namespaces: [...user.namespaces],
    disabled: user.disabled,
    createdAt: time(user.createdAt),
  };
}

export function tokenView(token: ApiToken): TokenView {
  return {
    id: token.id,
    user: token.user,
    createdAt: time(token.createdAt),
    expiresAt: timeOrNull(token.expiresAt),
    revoked: token.revoked,
  };
}

export function resourcesView(resources: Resources): ResourcesView {
  const { cpuMillis, memoryBytes, storageBytes, gpuMillis, custom } = resources;
  return { cpuMillis, memoryBytes, storageBytes, gpuMillis, custom: { ...custom } };
}

/** A command as one line, quoted where a shell would need it. */
function commandText(command: TaskCommand): string {
  switch (command.kind) {
    case 'image':
      return '';
    case 'shell':
      return shorten(command.line);
    case 'exec':
      return shorten(command.args.map(quote).join(' '));
  }
}

function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

function shorten(text: string): string {
  return text.length > MAX_COMMAND_SHOWN ? `${text.slice(0, MAX_COMMAND_SHOWN - 1)}…` : text;
}

/** Times that workers tell are only as good as their clocks, and no clock may break an answer. */
export function time(ms: number): string {
  const bounded = Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), MAX_TIME_MS);
  return new Date(bounded).toISOString();
}

export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : time(ms);
}
