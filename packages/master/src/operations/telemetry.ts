/** Measurements over time, and how much of what a task asked for it used. */
import type { AttemptEfficiencyView, ClusterSeries, ClusterTelemetryView, WorkerSeries } from '@cloudai/api/rest';
import type { Attempt, Task } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { type Answer, type AttemptTotals, readRange, WORKER_FIELDS } from '../telemetry/index.ts';
import { resourcesView, time, timeOrNull } from '../views.ts';
import { type Call, namespacesOf, type Operations } from './call.ts';
import { findAttempts, findTask } from './find.ts';
import { Rejected } from './rejected.ts';
import { findWorker } from './workers.ts';

type TelemetryOperations = Pick<
  Operations,
  'getTelemetry' | 'getClusterTelemetry' | 'getWorkerTelemetry' | 'getTaskTelemetry' | 'getTaskEfficiency'
>;

const USUAL_RANGE_MS = 3_600_000;
/** What they show belongs to every namespace together. */
const OF_ALL_NAMESPACES: readonly ClusterSeries[] = [
  'tasksPending',
  'tasksAssigned',
  'tasksRunning',
  'submitted',
  'started',
  'completed',
  'failed',
  'cancelled',
];

export function telemetryOperations(context: MasterContext): TelemetryOperations {
  const { telemetry } = context;
  const lastHour = () => ({ from: context.now() - USUAL_RANGE_MS, to: context.now() });

  return {
    getTelemetry() {
      const workers = context.loop.engine.workers().filter(({ state }) => state !== 'revoked');
      const usages = workers.map(({ id }) => context.usage.worker(id));
      const newest = telemetry.newest(workers.map(({ id }) => id));
      return {
        workers: workers.map(({ id }) => id),
        at: usages.map((usage) => usage?.at ?? null),
        series: Object.fromEntries(
          WORKER_FIELDS.names.map((name) => [name, newest.map((row) => row?.[name] ?? null)]),
        ) as Record<WorkerSeries, (number | null)[]>,
      };
    },

    async getClusterTelemetry(call, input) {
      const answer = await telemetry.cluster(readRange(input, context.now(), lastHour()));
      return visibleTo(call, rangeOf(answer));
    },

    async getWorkerTelemetry(_call, { worker, ...input }) {
      const { id } = findWorker(context, worker);
      return { worker: id, ...rangeOf(await telemetry.worker(id, readRange(input, context.now(), lastHour()))) };
    },

    async getTaskTelemetry(call, { task: id, attempt, ...input }) {
      const task = await findTask(context, call, id);
      const row = await pickAttempt(context, task, attempt);
      const to = row?.endedAt ?? context.now();
      const range = readRange(input, context.now(), { from: row?.startedAt ?? row?.assignedAt ?? to, to });
      return {
        taskId: task.id,
        attempt: row?.number ?? 0,
        requested: resourcesView(task.spec.request),
        ...rangeOf(await telemetry.attempt(task.id, row?.number ?? 0, range)),
      };
    },

    async getTaskEfficiency(call, { task: id }) {
      const task = await findTask(context, call, id);
      const attempts: AttemptEfficiencyView[] = [];
      for (const attempt of await findAttempts(context, task))
        attempts.push(efficiencyOf(task, attempt, await telemetry.totals(task.id, attempt.number), context.now()));
      return { taskId: task.id, state: task.state, requested: resourcesView(task.spec.request), attempts };
    },
  };
}

async function pickAttempt(context: MasterContext, task: Task, asked: number | undefined): Promise<Attempt | null> {
  const number = asked ?? task.fence;
  const attempts = await findAttempts(context, task);
  const found = attempts.find((attempt) => attempt.number === number);
  if (found === undefined && asked !== undefined)
    throw new Rejected('not_found', `Task ${task.id} has ${task.fence} attempts; there is no attempt ${asked}`);
  return found ?? null;
}

/** What the worker settled at the end counts before what was measured on the way. Pure. */
export function efficiencyOf(
  task: Task,
  attempt: Attempt,
  totals: AttemptTotals | null,
  now: number,
): AttemptEfficiencyView {
  const { request } = task.spec;
  const startedAt = attempt.result?.startedAt ?? attempt.startedAt;
  const endedAt = attempt.endedAt === null ? null : (attempt.result?.endedAt ?? attempt.endedAt);
  const wallMs = startedAt === null ? null : Math.max(0, (endedAt ?? now) - startedAt);
  const cpuMs = attempt.result?.cpuMillisSeconds ?? (totals === null ? null : totals.cpuMicros / 1000);
  const memoryPeakBytes = most(attempt.result?.peakMemoryBytes ?? null, totals?.memoryPeakBytes ?? null);
  const storagePeakBytes = totals?.storagePeakBytes ?? null;
  return {
    attempt: attempt.number,
    worker: attempt.workerId,
    state: attempt.state,
    startedAt: timeOrNull(startedAt),
    endedAt: timeOrNull(endedAt),
    wallMs,
    cpuMs,
    cpuEfficiency: share(cpuMs, wallMs === null ? null : (wallMs * request.cpuMillis) / 1000),
    memoryPeakBytes,
    memoryEfficiency: share(memoryPeakBytes, request.memoryBytes),
    storagePeakBytes,
    storageEfficiency: share(storagePeakBytes, request.storageBytes),
    gpuMean: totals === null || totals.gpuSamples === 0 ? null : totals.gpuSum / totals.gpuSamples,
    networkRxBytes: totals?.networkRxBytes ?? null,
    networkTxBytes: totals?.networkTxBytes ?? null,
    diskReadBytes: totals?.diskReadBytes ?? null,
    diskWriteBytes: totals?.diskWriteBytes ?? null,
  };
}

function most(a: number | null, b: number | null): number | null {
  return a === null ? b : Math.max(a, b ?? 0);
}

function share(used: number | null, asked: number | null): number | null {
  return used === null || asked === null || asked <= 0 ? null : Math.round((used / asked) * 1e4) / 1e4;
}

/** Members of namespaces see capacity and the depth of the queue; counts over all namespaces are for those who see all. */
function visibleTo(call: Call, view: ClusterTelemetryView): ClusterTelemetryView {
  if (namespacesOf(call, undefined) === 'all') return view;
  const hidden = Object.fromEntries(OF_ALL_NAMESPACES.map((name) => [name, view.at.map(() => null)]));
  return { ...view, series: { ...view.series, ...hidden }, max: { ...view.max, ...hidden } };
}

/** The columns have the names of the fields that they were made from. */
function rangeOf<Name extends string>({ from, to, stepMs, at, series, max }: Answer) {
  type Columns = Record<Name, (number | null)[]>;
  return { from: time(from), to: time(to), stepMs, at, series: series as Columns, max: max as Columns };
}
