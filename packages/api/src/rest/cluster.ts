/** Workers, queue, events and the cluster as users see them. */
import { type Static, Type } from 'typebox';
import { Duration, Id, LABEL_KEY, Labels, ResourceRequest, ResourcesView, TaskView } from './task.ts';

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) => Type.Union([type, Type.Null()]);
const Time = Type.String({ format: 'date-time' });

export const WORKER_STATES = ['registered', 'active', 'suspect', 'lost', 'revoked'] as const;

export const UsageView = Type.Object(
  {
    cpu: Type.Number({ description: '0..1 of the machine' }),
    memoryBytes: Type.Integer(),
    storageBytes: Type.Integer(),
    gpu: Type.Number({ description: '0..1, mean over the devices' }),
    networkRxBytes: Type.Integer(),
    networkTxBytes: Type.Integer(),
    at: Time,
  },
  { $id: 'Usage' },
);
export type UsageView = Static<typeof UsageView>;

export const WorkerView = Type.Object(
  {
    id: Type.String(),
    state: Type.Enum(WORKER_STATES),
    connected: Type.Boolean(),
    address: Nullable(Type.String()),
    remoteAddress: Nullable(Type.String()),
    version: Nullable(Type.String()),
    total: Nullable(ResourcesView),
    allocated: ResourcesView,
    available: Nullable(ResourcesView),
    usage: Nullable(UsageView),
    gpus: Type.Array(
      Type.Object({
        index: Type.Integer(),
        uuid: Type.String(),
        model: Type.String(),
        memoryBytes: Type.Integer(),
      }),
    ),
    labels: Type.Record(Type.String(), Type.String()),
    runningTasks: Type.Array(
      Type.Object({
        taskId: Type.String(),
        attempt: Type.Integer(),
        state: Type.String(),
        resources: ResourcesView,
      }),
    ),
    drain: Nullable(Type.Object({ since: Time, deadlineAt: Nullable(Time), reason: Nullable(Type.String()) })),
    unhealthy: Nullable(Type.String()),
    lastSeenAt: Nullable(Time),
    registeredAt: Time,
  },
  { $id: 'Worker' },
);
export type WorkerView = Static<typeof WorkerView>;

export const WorkerRegistration = Type.Object(
  {
    id: Id,
    address: Type.Optional(Type.String({ maxLength: 256 })),
    labels: Type.Optional(Labels),
    renew: Type.Optional(Type.Boolean()),
    tokenTtl: Type.Optional(Type.Union([Type.String({ maxLength: 32 }), Type.Number()])),
  },
  { additionalProperties: false, $id: 'WorkerRegistration' },
);
export type WorkerRegistration = Static<typeof WorkerRegistration>;

/** `joinToken` is shown once. `command` is what to run on the worker's machine. */
export const WorkerRegistered = Type.Object(
  { worker: WorkerView, joinToken: Type.String(), expiresAt: Time, command: Type.String() },
  { $id: 'WorkerRegistered' },
);
export type WorkerRegistered = Static<typeof WorkerRegistered>;

export const DrainRequest = Type.Object(
  {
    deadline: Type.Optional(Type.Union([Type.String({ maxLength: 32 }), Type.Number()])),
    reason: Type.Optional(Type.String({ maxLength: 512 })),
    off: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, $id: 'DrainRequest' },
);
export type DrainRequest = Static<typeof DrainRequest>;

export const QueueView = Type.Object(
  {
    total: Type.Integer(),
    next: Nullable(Type.String()),
    items: Type.Array(
      Type.Object({
        position: Type.Integer(),
        waitingMs: Type.Number(),
        message: Nullable(Type.String()),
        task: TaskView,
      }),
    ),
  },
  { $id: 'Queue' },
);
export type QueueView = Static<typeof QueueView>;

export const EventView = Type.Object(
  {
    sequence: Type.Integer(),
    at: Time,
    kind: Type.String(),
    namespace: Nullable(Type.String()),
    taskId: Nullable(Type.String()),
    attempt: Nullable(Type.Integer()),
    worker: Nullable(Type.String()),
    by: Nullable(Type.String()),
    message: Nullable(Type.String()),
  },
  { $id: 'Event' },
);
export type EventView = Static<typeof EventView>;

export const ClusterView = Type.Object(
  {
    clusterId: Type.String(),
    version: Type.String(),
    epoch: Type.Integer(),
    startedAt: Time,
    placement: Type.String(),
    workers: Type.Record(Type.String(), Type.Integer({ description: 'count by state' })),
    tasks: Type.Record(Type.String(), Type.Integer({ description: 'count by state' })),
    queueDepth: Type.Integer(),
    oldestWaitMs: Type.Number(),
    total: ResourcesView,
    allocated: ResourcesView,
    available: ResourcesView,
    store: Type.Object({
      sizeBytes: Type.Integer(),
      schema: Type.Integer(),
      full: Type.Boolean(),
      audit: Type.Object(
        {
          state: Type.Enum(['pending', 'running', 'sound', 'findings', 'failed']),
          findings: Type.Integer(),
          endedAt: Nullable(Time),
        },
        { description: 'The audit that follows each start of the master; its log has the findings.' },
      ),
    }),
    loopLagMs: Type.Number(),
  },
  { $id: 'Cluster' },
);
export type ClusterView = Static<typeof ClusterView>;

/** What the running tasks of a namespace may hold together. */
export const QuotaView = Type.Object(
  {
    cpuMillis: Nullable(Type.Integer()),
    memoryBytes: Nullable(Type.Integer()),
    storageBytes: Nullable(Type.Integer()),
    gpuMillis: Nullable(Type.Integer()),
    custom: Type.Record(Type.String(), Type.Integer()),
  },
  { description: 'null: this resource is not bounded.' },
);
export type QuotaView = Static<typeof QuotaView>;

export const NamespaceView = Type.Object(
  { name: Type.String(), quota: Nullable(QuotaView), createdAt: Time },
  { $id: 'Namespace' },
);
export type NamespaceView = Static<typeof NamespaceView>;
export const UserView = Type.Object(
  {
    name: Type.String(),
    role: Type.Union([Type.Literal('admin'), Type.Literal('user')]),
    namespaces: Type.Array(Type.String()),
    disabled: Type.Boolean(),
    createdAt: Time,
  },
  { $id: 'User' },
);
export type UserView = Static<typeof UserView>;
export const TokenIssued = Type.Object(
  { id: Type.String(), token: Type.String({ description: 'Shown once.' }), expiresAt: Nullable(Time) },
  { $id: 'TokenIssued' },
);
export type TokenIssued = Static<typeof TokenIssued>;
const PolicyView = Type.Object({
  name: Type.String(),
  version: Type.Integer({ description: 'Grows when it may decide otherwise than before.' }),
  summary: Type.String(),
  source: Type.String({ description: 'Where the formula comes from.' }),
});
const Backfill = Type.Enum(['greedy', 'strict', 'easy', 'conservative'], {
  description: 'What happens behind a task that does not fit.',
});
const Scope = Type.Object(
  { kind: Type.Enum(['namespace', 'pool']), name: Type.String({ minLength: 1, maxLength: 256 }) },
  { additionalProperties: false },
);

export const SchedulerView = Type.Object(
  {
    placement: Type.String(),
    ordering: Type.String(),
    backfill: Backfill,
    starvationMs: Nullable(
      Type.Integer({ description: 'After so long a task goes first and a worker is kept for it.' }),
    ),
    ageingSeconds: Nullable(Type.Integer({ description: 'Waiting that makes up for one step of priority.' })),
    preemption: Type.Boolean(),
    scopes: Type.Array(Type.Object({ ...Scope.properties, placement: Type.String() })),
    available: Type.Array(PolicyView),
    orderings: Type.Array(PolicyView),
    fragmentation: Type.Object({
      freeGpuMillis: Type.Integer(),
      fragmentedGpuMillis: Type.Integer(),
      freeCpuMillis: Type.Integer(),
      fragmentedCpuMillis: Type.Integer(),
    }),
  },
  { $id: 'Scheduler' },
);
export type SchedulerView = Static<typeof SchedulerView>;
export const VersionView = Type.Object(
  { version: Type.String(), api: Type.String(), node: Type.String() },
  { $id: 'Version' },
);
export type VersionView = Static<typeof VersionView>;

/** `null` removes the label. */
export const LabelPatch = Type.Record(
  Type.String({ pattern: LABEL_KEY }),
  Type.Union([Type.String({ maxLength: 256 }), Type.Null()]),
  { maxProperties: 256, additionalProperties: false, $id: 'LabelPatch' },
);
export type LabelPatch = Static<typeof LabelPatch>;

const RiskNumbers = Type.Record(Type.String({ pattern: '^.{1,64}$' }), Type.Number(), { maxProperties: 50000 });
export const SchedulerChoice = Type.Object(
  {
    placement: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 64 }))),
    scope: Type.Optional(Scope),
    ordering: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 64 }))),
    backfill: Type.Optional(Backfill),
    starvation: Type.Optional(Nullable(Duration)),
    ageing: Type.Optional(Nullable(Duration)),
    preemption: Type.Optional(Type.Boolean()),
    risk: Type.Optional(
      Nullable(
        Type.Object(
          {
            theta: Type.Array(Type.Number(), { minItems: 4, maxItems: 4 }),
            alpha: Type.Number(),
            beta: Type.Number(),
            affinity: Type.Record(Type.String({ pattern: '^[a-z-]{1,32}$' }), RiskNumbers, { maxProperties: 6 }),
            penalty: RiskNumbers,
          },
          { additionalProperties: false, description: 'Parameters of the policy rts; null: its defaults.' },
        ),
      ),
    ),
  },
  { additionalProperties: false, minProperties: 1, $id: 'SchedulerChoice' },
);
export type SchedulerChoice = Static<typeof SchedulerChoice>;

export const NamespaceChange = Type.Object(
  {
    quota: Type.Optional(
      Type.Union([ResourceRequest, Type.Null()], {
        description:
          'Upper bound on what its running tasks hold together. A resource left out is not bounded; null: no quota.',
      }),
    ),
  },
  { additionalProperties: false, $id: 'NamespaceChange' },
);
export type NamespaceChange = Static<typeof NamespaceChange>;

export const UserChange = Type.Object(
  {
    role: Type.Optional(Type.Union([Type.Literal('admin'), Type.Literal('user')])),
    namespaces: Type.Optional(Type.Array(Id, { maxItems: 1000 })),
    disabled: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, $id: 'UserChange', description: 'What is left out stays as it is.' },
);
export type UserChange = Static<typeof UserChange>;

export const TokenRequest = Type.Object(
  {
    ttl: Type.Optional(
      Type.Union([Type.String({ maxLength: 32 }), Type.Number()], {
        description: 'How long it is valid: `90d` (default) up to a year; a bare number is seconds.',
      }),
    ),
  },
  { additionalProperties: false, $id: 'TokenRequest' },
);
export type TokenRequest = Static<typeof TokenRequest>;

export const TokenView = Type.Object(
  {
    id: Type.String(),
    user: Type.String(),
    createdAt: Time,
    expiresAt: Nullable(Time),
    revoked: Type.Boolean(),
  },
  { $id: 'Token' },
);
export type TokenView = Static<typeof TokenView>;

const ListOf = <T extends Parameters<typeof Type.Array>[0]>(item: T, name: string) =>
  Type.Object({ items: Type.Array(item), next: Nullable(Type.String()) }, { $id: name });

export const WorkerList = ListOf(WorkerView, 'WorkerList');
export const EventList = ListOf(EventView, 'EventList');
export const NamespaceList = ListOf(NamespaceView, 'NamespaceList');
export const UserList = ListOf(UserView, 'UserList');
export const TokenList = ListOf(TokenView, 'TokenList');

/** Every list answers in this shape; `next` is the cursor for the following page. */
export interface List<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}
