/**
 * What each operation takes and answers. These schemas validate requests, document them in OpenAPI, and give the
 * server, the SDK and the CLI their types (which import them as types only: schemas cost start-up time).
 */
import { type Static, type TObject, type TSchema, Type } from 'typebox';
import { BulkResult, TASK_FILTER, TaskSelection } from './bulk.ts';
import {
  ClusterView,
  DrainRequest,
  EventList,
  LabelPatch,
  NamespaceChange,
  NamespaceList,
  NamespaceView,
  QueueView,
  SchedulerChoice,
  SchedulerView,
  TokenIssued,
  TokenList,
  TokenRequest,
  UserChange,
  UserList,
  UserView,
  VersionView,
  WorkerList,
  WorkerRegistered,
  WorkerRegistration,
  WorkerView,
} from './cluster.ts';
import type { OperationName } from './routes.ts';
import { LoginCodeView, SessionRequest, SessionView } from './session.ts';
import {
  ArtifactList,
  AttemptList,
  CancelRequest,
  ExplanationView,
  Id,
  JobList,
  JobSubmission,
  JobSubmitted,
  JobView,
  TaskDetail,
  TaskList,
  TaskPatch,
  TaskPreview,
  TaskSubmission,
  TaskView,
} from './task.ts';
import {
  ClusterTelemetryView,
  EfficiencyView,
  TaskTelemetryQuery,
  TaskTelemetryView,
  TelemetryQuery,
  TelemetryView,
  WorkerTelemetryView,
} from './telemetry.ts';

export interface OperationSchema {
  readonly params?: TObject;
  readonly query?: TObject;
  readonly body?: TSchema;
  /** The body may be left out. */
  readonly bodyOptional?: true;
  /** null: no content. */
  readonly response: TSchema | null;
  /** Content types of the answer where it is not JSON. */
  readonly media?: readonly string[];
}

const strict = { additionalProperties: false } as const;
const TaskParams = Type.Object(
  {
    task: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'Id of a task, or the first characters of it as long as only one task fits.',
    }),
  },
  strict,
);
const JobParams = Type.Object({ job: Id }, strict);
const WorkerParams = Type.Object({ worker: Id }, strict);
const Namespace = Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Name of a namespace.' }));
const Limit = (most: number, usual: number) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: most, default: usual, description: 'Most items in the answer.' }));
const Cursor = Type.Optional(
  Type.String({ maxLength: 512, description: '`next` of the page before; leave it out for the first page.' }),
);
const Listed = (description: string) => Type.Optional(Type.String({ maxLength: 1024, description }));

const SubmitQuery = Type.Object(
  {
    namespace: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'Where the task belongs. Without it: `default` if you are a member of it, else your first one.',
      }),
    ),
  },
  strict,
);

const TaskListQuery = Type.Object(
  {
    ...TASK_FILTER,
    order: Type.Optional(Type.Union([Type.Literal('newest'), Type.Literal('oldest'), Type.Literal('priority')])),
    limit: Limit(1000, 100),
    cursor: Cursor,
  },
  strict,
);

const EventListQuery = Type.Object(
  {
    namespace: Namespace,
    after: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Only events with a higher sequence.',
      }),
    ),
    before: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Only events with a lower sequence. With the order `newest`.',
      }),
    ),
    order: Type.Optional(
      Type.Union([Type.Literal('oldest'), Type.Literal('newest')], {
        description: 'Which comes first: the oldest (default) after `after`, or the newest before `before`.',
      }),
    ),
    worker: Listed('Only events about this worker.'),
    kind: Listed('Kinds, separated by commas.'),
    limit: Limit(1000, 100),
  },
  strict,
);

const { after, before, order } = EventListQuery.properties;
const TimelineQuery = Type.Object({ after, before, order, limit: Limit(1000, 1000) }, strict);

const LogQuerySchema = Type.Object(
  {
    follow: Type.Optional(
      Type.Boolean({ description: 'Stay connected for further output, over retries, until the task ends.' }),
    ),
    attempt: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: 1_000_000 }), Type.Literal('all')], {
        description: 'Number of an attempt; the newest without it; `all` for every one in order.',
      }),
    ),
    stream: Type.Optional(Type.Union([Type.Literal('stdout'), Type.Literal('stderr')])),
    since: Type.Optional(
      Type.String({ maxLength: 40, description: 'Only lines from this time (ISO 8601) or of the last `10m`.' }),
    ),
    until: Type.Optional(
      Type.String({ maxLength: 40, description: 'Only lines before this time, or from longer ago than `10m`.' }),
    ),
    offset: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Bytes of the stream to leave out at its begin. Needs `stream`.',
      }),
    ),
    bytes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Most bytes of the stream. Needs `stream`.',
      }),
    ),
    grep: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: 'Only lines with this text.' })),
    regex: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'Only lines that match. Runs in linear time, so no look-around and no back-references.',
      }),
    ),
    tail: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000, description: 'Only the last lines.' })),
    format: Type.Optional(
      Type.Union([Type.Literal('ndjson'), Type.Literal('text')], {
        description: '`ndjson`: one LogLine a line. `text`: the bytes as the task wrote them.',
      }),
    ),
  },
  strict,
);

export const OPERATIONS = {
  getVersion: { response: VersionView },
  getCluster: { response: ClusterView },
  submitTask: { query: SubmitQuery, body: TaskSubmission, response: TaskView },
  validateTask: { query: SubmitQuery, body: TaskSubmission, response: TaskPreview },
  submitJob: { query: SubmitQuery, body: JobSubmission, response: JobSubmitted },
  listTasks: { query: TaskListQuery, response: TaskList },
  listJobs: {
    query: Type.Object(
      {
        namespace: Namespace,
        owner: Listed('Name of the user who submitted.'),
        name: Listed('Name of the job.'),
        limit: Limit(100, 20),
        cursor: Cursor,
      },
      strict,
    ),
    response: JobList,
  },
  getJob: { params: JobParams, response: JobView },
  cancelJob: { params: JobParams, body: CancelRequest, bodyOptional: true, response: BulkResult },
  getTask: { params: TaskParams, response: TaskDetail },
  explainTask: { params: TaskParams, response: ExplanationView },
  listAttempts: { params: TaskParams, response: AttemptList },
  listTaskEvents: { params: TaskParams, query: TimelineQuery, response: EventList },
  cancelTask: { params: TaskParams, body: CancelRequest, bodyOptional: true, response: TaskView },
  retryTask: { params: TaskParams, response: TaskView },
  cancelTasks: { body: TaskSelection, response: BulkResult },
  retryTasks: { body: TaskSelection, response: BulkResult },
  updateTask: { params: TaskParams, body: TaskPatch, response: TaskView },
  readLogs: {
    params: TaskParams,
    query: LogQuerySchema,
    response: Type.String(),
    media: ['application/x-ndjson', 'text/plain'],
  },
  listArtifacts: { params: TaskParams, response: ArtifactList },
  getArtifact: {
    params: Type.Object(
      { task: TaskParams.properties.task, path: Type.String({ minLength: 1, maxLength: 4096 }) },
      strict,
    ),
    query: Type.Object({ attempt: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })) }, strict),
    response: Type.String(),
    media: ['application/octet-stream'],
  },
  getArchive: {
    params: TaskParams,
    query: Type.Object({ attempt: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })) }, strict),
    response: Type.String(),
    media: ['application/x-tar'],
  },
  getQueue: {
    query: Type.Object({ namespace: Namespace, limit: Limit(1000, 100), cursor: Cursor }, strict),
    response: QueueView,
  },
  listWorkers: {
    query: Type.Object(
      {
        state: Listed('States, separated by commas. Without it: all but revoked.'),
        label: Listed('`key=value` pairs, separated by commas; all have to match.'),
        q: Listed('A part of the id or of the address.'),
        limit: Limit(1000, 1000),
        cursor: Cursor,
      },
      strict,
    ),
    response: WorkerList,
  },
  getWorker: { params: WorkerParams, response: WorkerView },
  listWorkerTasks: {
    params: WorkerParams,
    query: Type.Object(
      {
        state: Listed('States, separated by commas.'),
        order: TaskListQuery.properties.order,
        limit: Limit(1000, 100),
        cursor: Cursor,
      },
      strict,
    ),
    response: TaskList,
  },
  listWorkerEvents: { params: WorkerParams, query: TimelineQuery, response: EventList },
  registerWorker: { body: WorkerRegistration, response: WorkerRegistered },
  unregisterWorker: {
    params: WorkerParams,
    query: Type.Object(
      {
        force: Type.Optional(
          Type.Boolean({ description: 'Also when tasks still run on it: they are placed elsewhere.' }),
        ),
      },
      strict,
    ),
    response: null,
  },
  drainWorker: { params: WorkerParams, body: DrainRequest, bodyOptional: true, response: WorkerView },
  labelWorker: { params: WorkerParams, body: LabelPatch, response: WorkerView },
  listEvents: { query: EventListQuery, response: EventList },
  getTelemetry: { response: TelemetryView },
  getClusterTelemetry: { query: TelemetryQuery, response: ClusterTelemetryView },
  getWorkerTelemetry: { params: WorkerParams, query: TelemetryQuery, response: WorkerTelemetryView },
  getTaskTelemetry: { params: TaskParams, query: TaskTelemetryQuery, response: TaskTelemetryView },
  getTaskEfficiency: { params: TaskParams, response: EfficiencyView },
  getScheduler: { response: SchedulerView },
  useScheduler: { body: SchedulerChoice, response: SchedulerView },
  listNamespaces: { response: NamespaceList },
  putNamespace: { params: Type.Object({ namespace: Id }, strict), body: NamespaceChange, response: NamespaceView },
  listUsers: { response: UserList },
  putUser: { params: Type.Object({ user: Id }, strict), body: UserChange, response: UserView },
  listTokens: { params: Type.Object({ user: Id }, strict), response: TokenList },
  issueToken: {
    params: Type.Object({ user: Id }, strict),
    body: TokenRequest,
    bodyOptional: true,
    response: TokenIssued,
  },
  revokeToken: { params: Type.Object({ token: Id }, strict), response: null },
  createSession: { body: SessionRequest, response: SessionView },
  getSession: { response: SessionView },
  endSession: { response: null },
  createLoginCode: { response: LoginCodeView },
} as const satisfies Readonly<Record<OperationName, OperationSchema>>;

type Part<Name extends OperationName, Key extends 'params' | 'query'> = (typeof OPERATIONS)[Name] extends {
  readonly [K in Key]: infer Schema extends TSchema;
}
  ? Static<Schema>
  : unknown;

type Body<Name extends OperationName> = (typeof OPERATIONS)[Name] extends {
  readonly body: infer Schema extends TSchema;
}
  ? (typeof OPERATIONS)[Name] extends { readonly bodyOptional: true }
    ? { readonly body?: Static<Schema> }
    : { readonly body: Static<Schema> }
  : unknown;

/** One flat object per call: path and query parameters by name, and the body under `body`. */
export type OperationInput<Name extends OperationName> = Part<Name, 'params'> & Part<Name, 'query'> & Body<Name>;

/** What the answer's body holds; nothing for operations that answer no content. */
export type OperationOutput<Name extends OperationName> = (typeof OPERATIONS)[Name] extends {
  readonly response: infer Schema extends TSchema;
}
  ? Static<Schema>
  : undefined;
