/** Measurements over time, as columns: `at[i]` is the start of step i, `series.cpu[i]` what was measured in it. */
import { type Static, Type } from 'typebox';
import { ResourcesView } from './task.ts';

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) => Type.Union([type, Type.Null()]);
const Time = Type.String({ format: 'date-time' });
const strict = { additionalProperties: false } as const;

/** Null where nothing was measured. */
const Column = (description: string) => Type.Array(Nullable(Type.Number()), { description });
type ColumnSchema = ReturnType<typeof Column>;
type Columns<Name extends string> = Record<Name, ColumnSchema>;

function columns<Name extends string>(descriptions: Readonly<Record<Name, string>>): Columns<Name> {
  const entries = Object.entries<string>(descriptions).map(([name, text]) => [name, Column(text)]);
  return Object.fromEntries(entries) as Columns<Name>;
}

/** What a worker's heartbeats bring. */
export const WORKER_SERIES = {
  cpu: '0..1 of the machine',
  memoryBytes: 'used by the machine, without caches',
  storageBytes: 'used on the disk of the containers',
  gpu: '0..1, mean over the devices',
  networkRxBytesPerSecond: 'received by the machine',
  networkTxBytesPerSecond: 'sent by the machine',
  runningTasks: 'attempts that were measured',
} as const;

/** What is measured of the container of an attempt. */
export const ATTEMPT_SERIES = {
  cpuMillis: 'thousandths of a core',
  memoryBytes: 'used, without caches',
  storageBytes: 'writable layer and output directory',
  gpu: '0..1 of its devices',
  networkRxBytesPerSecond: 'received',
  networkTxBytesPerSecond: 'sent',
  diskReadBytesPerSecond: 'read from block devices',
  diskWriteBytesPerSecond: 'written to block devices',
} as const;

/** The cluster as a whole. Capacity, allocated and used are those of active workers. */
export const CLUSTER_SERIES = {
  cpuMillisTotal: 'thousandths of a core',
  cpuMillisAllocated: 'held by reservations',
  cpuMillisUsed: 'measured',
  memoryBytesTotal: '',
  memoryBytesAllocated: 'held by reservations',
  memoryBytesUsed: 'measured',
  storageBytesTotal: '',
  storageBytesAllocated: 'held by reservations',
  storageBytesUsed: 'measured',
  gpuMillisTotal: 'thousandths of a device',
  gpuMillisAllocated: 'held by reservations',
  gpuMillisUsed: 'measured',
  workersActive: '',
  workersSuspect: '',
  workersLost: '',
  tasksPending: '',
  tasksAssigned: '',
  tasksRunning: '',
  queueDepth: 'queued tasks',
  oldestWaitMs: 'of the queued task that waits longest',
  submitted: 'tasks submitted in the step',
  started: 'attempts that began to run in the step',
  completed: 'tasks that completed in the step',
  failed: 'tasks that failed in the step',
  cancelled: 'tasks that were cancelled in the step',
} as const;

export type WorkerSeries = keyof typeof WORKER_SERIES;
export type AttemptSeries = keyof typeof ATTEMPT_SERIES;
export type ClusterSeries = keyof typeof CLUSTER_SERIES;

const range = {
  from: Time,
  to: Time,
  stepMs: Type.Integer({ description: 'Length of a step. Longer than asked for where the data is coarser.' }),
  at: Type.Array(Type.Integer(), { description: 'Start of each step, Unix ms.' }),
};

const seriesOf = <Name extends string>(descriptions: Readonly<Record<Name, string>>) => ({
  ...range,
  series: Type.Object(columns(descriptions), { description: 'Mean of each step; sums where the name is a count.' }),
  max: Type.Object(columns(descriptions), { description: 'Highest value in each step.' }),
});

export const WorkerTelemetryView = Type.Object(
  { worker: Type.String(), ...seriesOf(WORKER_SERIES) },
  { $id: 'WorkerTelemetry' },
);
export type WorkerTelemetryView = Static<typeof WorkerTelemetryView>;

export const ClusterTelemetryView = Type.Object({ ...seriesOf(CLUSTER_SERIES) }, { $id: 'ClusterTelemetry' });
export type ClusterTelemetryView = Static<typeof ClusterTelemetryView>;

export const TaskTelemetryView = Type.Object(
  {
    taskId: Type.String(),
    attempt: Type.Integer({ description: '0: the task has had none yet.' }),
    requested: ResourcesView,
    ...seriesOf(ATTEMPT_SERIES),
  },
  { $id: 'TaskTelemetry' },
);
export type TaskTelemetryView = Static<typeof TaskTelemetryView>;

/** The newest measurement of every worker: `series.cpu[i]` is that of `workers[i]`, taken at `at[i]`. */
export const TelemetryView = Type.Object(
  {
    workers: Type.Array(Type.String()),
    at: Type.Array(Nullable(Type.Integer()), { description: 'Unix ms; null: never heard of.' }),
    series: Type.Object(columns(WORKER_SERIES)),
  },
  { $id: 'Telemetry' },
);
export type TelemetryView = Static<typeof TelemetryView>;

/** Shares are 0..1 of what was asked for; null where it was not measured or nothing was asked for. */
export const AttemptEfficiencyView = Type.Object(
  {
    attempt: Type.Integer(),
    worker: Type.String(),
    state: Type.String(),
    startedAt: Nullable(Time),
    endedAt: Nullable(Time),
    wallMs: Nullable(Type.Number({ description: 'From the start of the process to its end, or to now.' })),
    cpuMs: Nullable(Type.Number({ description: 'CPU time.' })),
    cpuEfficiency: Nullable(Type.Number({ description: 'CPU time / (asked cores × wall time)' })),
    memoryPeakBytes: Nullable(Type.Number()),
    memoryEfficiency: Nullable(Type.Number({ description: 'peak / asked' })),
    storagePeakBytes: Nullable(Type.Number()),
    storageEfficiency: Nullable(Type.Number({ description: 'peak / asked' })),
    gpuMean: Nullable(Type.Number({ description: '0..1 of its devices, mean over the run' })),
    networkRxBytes: Nullable(Type.Number()),
    networkTxBytes: Nullable(Type.Number()),
    diskReadBytes: Nullable(Type.Number()),
    diskWriteBytes: Nullable(Type.Number()),
  },
  { $id: 'AttemptEfficiency' },
);
export type AttemptEfficiencyView = Static<typeof AttemptEfficiencyView>;

export const EfficiencyView = Type.Object(
  {
    taskId: Type.String(),
    state: Type.String(),
    requested: ResourcesView,
    attempts: Type.Array(AttemptEfficiencyView, { description: 'Oldest first; the last one is the newest.' }),
  },
  { $id: 'Efficiency' },
);
export type EfficiencyView = Static<typeof EfficiencyView>;

const Moment = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 40, description }));

/** Bounds and resolution of a series. */
const RANGE = {
  from: Moment('ISO 8601, or `-1h` for an hour ago. Without it: `-1h`; of a task: its start.'),
  to: Moment('As `from`. Without it: now; of an attempt that ended: its end.'),
  step: Type.Optional(
    Type.Union([Type.String({ minLength: 1, maxLength: 32 }), Type.Number()], {
      description: 'Length of a step: `30s`, `5m`. Without it: so that there are at most 300.',
    }),
  ),
} as const;

export const TelemetryQuery = Type.Object(RANGE, strict);
export const TaskTelemetryQuery = Type.Object(
  {
    attempt: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'The newest without it.' })),
    ...RANGE,
  },
  strict,
);
