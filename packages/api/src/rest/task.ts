/** Tasks as users write and read them. Quantities in are text or numbers (docs/reference/quantities.md), out are integers. */
import { type Static, Type } from 'typebox';

const Quantity = Type.Union([Type.String({ maxLength: 64 }), Type.Number()], {
  description: 'Kubernetes quantity (`500m`, `2`, `512Mi`, `2Gi`, `2G`); a bare number is cores, GiB or devices.',
});
export const Duration = Type.Union([Type.String({ maxLength: 32 }), Type.Number()], {
  description: '`90s`, `10m`, `1h30m`; a bare number is seconds.',
});
const Time = Type.String({ format: 'date-time', maxLength: 40 });
/** Keys are checked by their pattern, and `additionalProperties` refuses what does not match it. */
const EnvMap = Type.Record(Type.String({ pattern: '^[^=\\u0000]{1,256}$' }), Type.String({ maxLength: 131072 }), {
  maxProperties: 256,
  additionalProperties: false,
});
export const LABEL_KEY = '^[^=,\\u0000-\\u001f\\u007f]{1,256}$';
export const Labels = Type.Record(Type.String({ pattern: LABEL_KEY }), Type.String({ maxLength: 256 }), {
  maxProperties: 256,
  additionalProperties: false,
});
export const Id = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' });

export const ResourceRequest = Type.Object(
  {
    cpu: Type.Optional(Quantity),
    memory: Type.Optional(Quantity),
    storage: Type.Optional(Quantity),
    gpu: Type.Optional(Quantity),
    custom: Type.Optional(
      Type.Record(Id, Type.Integer({ minimum: 0 }), { maxProperties: 32, additionalProperties: false }),
    ),
  },
  { additionalProperties: false, description: 'Defaults: 1 CPU, 512 MiB memory, 1 GiB storage, no GPU.' },
);

const TaskAffinity = {
  labels: Labels,
  by: Type.Optional(
    Type.String({ pattern: LABEL_KEY, description: 'Workers with the same value of this label are one place.' }),
  ),
};

/** What a user submits. */
export const TaskSubmission = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9][A-Za-z0-9 ._/-]*$' })),
    image: Type.String({ minLength: 1, maxLength: 512 }),
    command: Type.Optional(
      Type.Union(
        [Type.String({ maxLength: 131072 }), Type.Array(Type.String({ maxLength: 131072 }), { maxItems: 1024 })],
        { description: 'A line for /bin/sh -c, or an argument list. Without it the image decides.' },
      ),
    ),
    entrypoint: Type.Optional(Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 64 })),
    env: Type.Optional(EnvMap),
    workdir: Type.Optional(Type.String({ maxLength: 4096, pattern: '^/' })),
    user: Type.Optional(Type.String({ maxLength: 64 })),
    labels: Type.Optional(Labels),
    resources: Type.Optional(ResourceRequest),
    worker: Type.Optional(Id),
    selector: Type.Optional(Labels),
    gpuModels: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
        maxItems: 32,
        description: 'GPU models that will do.',
      }),
    ),
    expected: Type.Optional(Duration),
    gang: Type.Optional(
      Type.Boolean({ description: 'Starts together with the other tasks of its job that say so, or not at all.' }),
    ),
    preemptible: Type.Optional(
      Type.Boolean({ description: 'May be stopped and queued again for a task of higher priority (true).' }),
    ),
    near: Type.Optional(Type.Array(Type.Object(TaskAffinity, { additionalProperties: false }), { maxItems: 16 })),
    apart: Type.Optional(Type.Array(Type.Object(TaskAffinity, { additionalProperties: false }), { maxItems: 16 })),
    spread: Type.Optional(
      Type.Array(
        Type.Object(
          { ...TaskAffinity, maxSkew: Type.Optional(Type.Integer({ minimum: 1, maximum: 10000 })) },
          { additionalProperties: false },
        ),
        { maxItems: 16 },
      ),
    ),
    priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    deadline: Type.Optional(Time),
    startAfter: Type.Optional(Time),
    dependsOn: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
        maxItems: 1000,
        description: 'Task ids, or names of other tasks of the same call.',
      }),
    ),
    timeout: Type.Optional(Duration),
    queueTimeout: Type.Optional(Duration),
    retry: Type.Optional(
      Type.Object(
        {
          limit: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
          exitCodes: Type.Optional(Type.Array(Type.Integer({ minimum: 0, maximum: 255 }), { maxItems: 256 })),
          reasons: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 32 })),
          backoff: Type.Optional(Duration),
          factor: Type.Optional(Type.Number({ minimum: 1, maximum: 10 })),
          maxBackoff: Type.Optional(Duration),
        },
        { additionalProperties: false },
      ),
    ),
    stopSignal: Type.Optional(Type.String({ pattern: '^SIG[A-Z0-9+]{1,12}$' })),
    stopGrace: Type.Optional(Duration),
    profile: Type.Optional(Type.Union([Type.Literal('standard'), Type.Literal('restricted')])),
    network: Type.Optional(Type.Union([Type.Literal('bridge'), Type.Literal('none')])),
    pull: Type.Optional(Type.Union([Type.Literal('always'), Type.Literal('missing'), Type.Literal('never')])),
    logLimit: Type.Optional(Quantity),
    logPolicy: Type.Optional(Type.Union([Type.Literal('truncate'), Type.Literal('fail')])),
  },
  { additionalProperties: false, $id: 'TaskSubmission' },
);
export type TaskSubmission = Static<typeof TaskSubmission>;

/** Many tasks in one call, all or nothing. */
export const JobSubmission = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    tasks: Type.Array(TaskSubmission, { minItems: 1, maxItems: 10000 }),
  },
  { additionalProperties: false, $id: 'JobSubmission' },
);
export type JobSubmission = Static<typeof JobSubmission>;

export const ResourcesView = Type.Object({
  cpuMillis: Type.Integer(),
  memoryBytes: Type.Integer(),
  storageBytes: Type.Integer(),
  gpuMillis: Type.Integer(),
  custom: Type.Record(Type.String(), Type.Integer()),
});
export type ResourcesView = Static<typeof ResourcesView>;

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) => Type.Union([type, Type.Null()]);

export const TASK_STATES = ['pending', 'queued', 'assigned', 'running', 'completed', 'failed', 'cancelled'] as const;
export const TaskStateView = Type.Enum(TASK_STATES);
export type TaskStateView = (typeof TASK_STATES)[number];

/** A row of the task list. */
export const TaskView = Type.Object(
  {
    id: Type.String(),
    namespace: Type.String(),
    owner: Type.String(),
    name: Nullable(Type.String()),
    jobId: Nullable(Type.String()),
    retryOf: Nullable(Type.String()),
    image: Type.String(),
    command: Type.String({ description: 'For people; the spec has the exact form.' }),
    resources: ResourcesView,
    priority: Type.Integer(),
    labels: Type.Record(Type.String(), Type.String()),
    state: TaskStateView,
    reason: Nullable(Type.String()),
    message: Nullable(Type.String()),
    exitCode: Nullable(Type.Integer()),
    attempt: Type.Integer({ description: 'Number of the newest attempt, 0 before the first.' }),
    worker: Nullable(Type.String({ description: 'Where the newest attempt is or was.' })),
    submittedAt: Time,
    queuedAt: Nullable(Time),
    startedAt: Nullable(Time),
    endedAt: Nullable(Time),
    version: Type.Integer(),
  },
  { $id: 'Task' },
);
export type TaskView = Static<typeof TaskView>;

export const ArtifactView = Type.Object(
  { path: Type.String(), sizeBytes: Type.Integer(), digest: Type.String(), attempt: Type.Integer() },
  { $id: 'Artifact' },
);
export type ArtifactView = Static<typeof ArtifactView>;

export const AttemptView = Type.Object(
  {
    taskId: Type.String(),
    number: Type.Integer(),
    worker: Type.String(),
    state: Type.String(),
    reason: Nullable(Type.String()),
    message: Nullable(Type.String()),
    exitCode: Nullable(Type.Integer()),
    placedBy: Type.String(),
    progress: Nullable(Type.String()),
    containerId: Nullable(Type.String()),
    imageDigest: Nullable(Type.String()),
    assignedAt: Time,
    startedAt: Nullable(Time),
    endedAt: Nullable(Time),
    peakMemoryBytes: Nullable(Type.Integer()),
    cpuMillisSeconds: Nullable(Type.Integer()),
    logBytes: Nullable(Type.Object({ stdout: Type.Integer(), stderr: Type.Integer(), dropped: Type.Integer() })),
    artifacts: Type.Array(ArtifactView),
  },
  { $id: 'Attempt' },
);
export type AttemptView = Static<typeof AttemptView>;

/** One task whole: the row, its normalised spec (as the engine keeps it) and its attempts. */
export const TaskDetail = Type.Object(
  { task: TaskView, spec: Type.Record(Type.String(), Type.Unknown()), attempts: Type.Array(AttemptView) },
  { $id: 'TaskDetail' },
);
export type TaskDetail = Static<typeof TaskDetail>;

/** The same fields as the engine's `Explanation`. */
export const ExplanationView = Type.Object(
  {
    taskId: Type.String(),
    state: TaskStateView,
    summary: Type.String(),
    position: Nullable(Type.Integer()),
    waitingMs: Type.Number(),
    couldEverFit: Type.Boolean(),
    workers: Type.Array(
      Type.Object({
        workerId: Type.String(),
        obstacles: Type.Array(
          Type.Object({
            kind: Type.String(),
            message: Type.String(),
            resource: Type.Optional(Type.String()),
            available: Type.Optional(Type.Number()),
            required: Type.Optional(Type.Number()),
            capacity: Type.Optional(Type.Number()),
          }),
        ),
        couldEverFit: Type.Boolean(),
        scores: Type.Record(Type.String(), Type.Number()),
      }),
    ),
    advice: Nullable(Type.String()),
  },
  { $id: 'Explanation' },
);
export type ExplanationView = Static<typeof ExplanationView>;

export const CancelRequest = Type.Object(
  { message: Type.Optional(Type.String({ maxLength: 512, description: 'Why, for the record.' })) },
  { additionalProperties: false, $id: 'CancelRequest' },
);
export type CancelRequest = Static<typeof CancelRequest>;

export const TaskPatch = Type.Object(
  {
    priority: Type.Integer({ minimum: 0, maximum: 100 }),
    version: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Only if the task still has this version. The header `If-Match` says the same.',
      }),
    ),
  },
  { additionalProperties: false, $id: 'TaskPatch' },
);
export type TaskPatch = Static<typeof TaskPatch>;

/** `taskIds` in the order of the call. */
export const JobSubmitted = Type.Object(
  { jobId: Type.String(), namespace: Type.String(), taskIds: Type.Array(Type.String()) },
  { $id: 'JobSubmitted' },
);
export type JobSubmitted = Static<typeof JobSubmitted>;

export const TaskList = Type.Object(
  { items: Type.Array(TaskView), next: Nullable(Type.String()) },
  { $id: 'TaskList' },
);
export const ArtifactList = Type.Object(
  { items: Type.Array(ArtifactView), next: Nullable(Type.String()) },
  { $id: 'ArtifactList' },
);

export const AttemptList = Type.Object(
  { items: Type.Array(AttemptView), next: Nullable(Type.String()) },
  { $id: 'AttemptList' },
);

/** Tasks that were submitted together, and how far they are. */
export const JobView = Type.Object(
  {
    id: Type.String(),
    namespace: Type.String(),
    owner: Type.String(),
    name: Nullable(Type.String()),
    size: Type.Integer({ description: 'Tasks at the submit.' }),
    submittedAt: Time,
    tasks: Type.Record(Type.String(), Type.Integer({ description: 'count by state' })),
    state: Type.Enum(['waiting', 'running', 'completed', 'failed', 'cancelled'], {
      description:
        '`waiting`: nothing has started. `running`: not all have ended. Then `completed` if all have, `failed` if one has failed, else `cancelled`.',
    }),
  },
  { $id: 'Job' },
);
export type JobView = Static<typeof JobView>;
export const JobList = Type.Object({ items: Type.Array(JobView), next: Nullable(Type.String()) }, { $id: 'JobList' });

/** What would become of a submission. */
export const TaskPreview = Type.Object(
  {
    namespace: Type.String(),
    accepted: Type.Boolean({ description: 'Whether the submit would be taken.' }),
    error: Nullable(
      Type.Object(
        { code: Type.String(), message: Type.String(), field: Nullable(Type.String()) },
        {
          description: 'Why not; `field` is the path of what is to blame.',
        },
      ),
    ),
    spec: Nullable(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'The submission as it is understood, with the defaults filled in. null when it can not be read.',
      }),
    ),
    wouldStart: Nullable(
      Type.Object({
        when: Type.Enum(['now', 'later', 'never'], {
          description: '`later`: it would wait. `never`: no worker that is known, or the quota, could ever take it.',
        }),
        worker: Nullable(Type.String({ description: 'Where, when now.' })),
        placedBy: Nullable(Type.String({ description: 'Policy and score that would decide.' })),
        summary: Type.String(),
        advice: Nullable(Type.String({ description: 'The cheapest change that would admit it.' })),
        workers: ExplanationView.properties.workers,
      }),
    ),
  },
  { $id: 'TaskPreview' },
);
export type TaskPreview = Static<typeof TaskPreview>;

/** One line of `application/x-ndjson` from the log route. */
export type LogLine =
  /** `text` when the bytes are valid UTF-8, else `base64`. Exact bytes of the stream from `offset`. */
  | {
      readonly kind: 'data';
      readonly attempt: number;
      readonly stream: 'stdout' | 'stderr';
      readonly offset: number;
      readonly at: string;
      readonly text: string;
    }
  | {
      readonly kind: 'data';
      readonly attempt: number;
      readonly stream: 'stdout' | 'stderr';
      readonly offset: number;
      readonly at: string;
      readonly base64: string;
    }
  /** The log limit dropped exactly this many bytes. */
  | { readonly kind: 'dropped'; readonly attempt: number; readonly bytes: number }
  /** A further attempt begins (follow mode). */
  | { readonly kind: 'attempt'; readonly attempt: number; readonly worker: string }
  /** The master stops or the connection is at its limit: ask again with the same query to go on. */
  | { readonly kind: 'interrupted'; readonly message: string }
  /** The task has ended; nothing follows. */
  | {
      readonly kind: 'end';
      readonly state: TaskStateView;
      readonly reason: string | null;
      readonly exitCode: number | null;
      readonly message: string | null;
    };
