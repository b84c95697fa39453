/** What the master sends over a watch. */
import { type Static, Type } from 'typebox';
import type { ErrorCode } from '../errors.ts';
import { ClusterView, EventView, QueueView, UsageView, WorkerView } from '../rest/cluster.ts';
import { type LogLine, TaskView } from '../rest/task.ts';

const Id = Type.String({ description: 'Of the subscription.' });
const Sequence = Type.Integer({
  description: 'Event sequence that the message is as new as: `after` of a subscription that goes on here.',
});
const Time = Type.String({ format: 'date-time' });

/** The first message of every connection. */
export const WelcomeMessage = Type.Object({
  kind: Type.Literal('welcome'),
  version: Type.String({ description: 'Of the master.' }),
  epoch: Type.Integer({ description: 'Counts starts of the master.' }),
  sequence: Sequence,
});

/** The subscription is open; its messages begin after `sequence`. */
export const SubscribedMessage = Type.Object({ kind: Type.Literal('subscribed'), id: Id, sequence: Sequence });

/** Everything up to `sequence` has been sent. Comes first when the subscription has caught up, and now and then. */
export const SyncedMessage = Type.Object({ kind: Type.Literal('synced'), id: Id, sequence: Sequence });

/**
 * What happened after `after` up to `sequence` can not be told any more: events were pruned, or the reader is too far
 * behind. The subscription goes on after `sequence`. For tasks and workers: list them again.
 */
export const GapMessage = Type.Object({
  kind: Type.Literal('gap'),
  id: Id,
  after: Type.Integer(),
  sequence: Sequence,
  message: Type.String(),
});

/** Nothing more comes for this subscription: it was ended by the client, or there is nothing left to tell. */
export const UnsubscribedMessage = Type.Object({ kind: Type.Literal('unsubscribed'), id: Id });

/** With `id`: the subscription does not exist (any more). Without: about a frame that names none. */
export const ErrorMessage = Type.Object({
  kind: Type.Literal('error'),
  id: Type.Optional(Id),
  error: Type.Object({
    code: Type.Unsafe<ErrorCode>(Type.String()),
    message: Type.String(),
    details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }),
});

/** Sent when nothing else was for a while, so that a client can tell a quiet cluster from a broken connection. */
export const AliveMessage = Type.Object({ kind: Type.Literal('alive'), sequence: Sequence });

export const EventMessage = Type.Object({
  kind: Type.Literal('event'),
  id: Id,
  sequence: Sequence,
  event: EventView,
});

/** The newest row of a task that matches; what lies between two messages is left out. */
export const TaskMessage = Type.Object({ kind: Type.Literal('task'), id: Id, sequence: Sequence, task: TaskView });

/** The task does not match (any more). May come for one that was never sent. */
export const TaskLeftMessage = Type.Object({
  kind: Type.Literal('left'),
  id: Id,
  sequence: Sequence,
  taskId: Type.String(),
});

/** The newest state of a worker. Its usage is as of then: live figures are in the topic `telemetry`. */
export const WorkerMessage = Type.Object({
  kind: Type.Literal('worker'),
  id: Id,
  sequence: Sequence,
  worker: WorkerView,
});

/** The worker is unknown now. */
export const WorkerLeftMessage = Type.Object({
  kind: Type.Literal('workerLeft'),
  id: Id,
  sequence: Sequence,
  worker: Type.String(),
});

export const QueueMessage = Type.Object({ kind: Type.Literal('queue'), id: Id, sequence: Sequence, queue: QueueView });

export const ClusterMessage = Type.Object({
  kind: Type.Literal('cluster'),
  id: Id,
  sequence: Sequence,
  cluster: ClusterView,
});

export const TaskUsageView = Type.Object(
  {
    taskId: Type.String(),
    attempt: Type.Integer(),
    cpuMillis: Type.Number({ description: 'Thousandths of a core, since the sample before.' }),
    memoryBytes: Type.Integer(),
    memoryPeakBytes: Type.Integer(),
    storageBytes: Type.Integer(),
    networkRxBytes: Type.Integer(),
    networkTxBytes: Type.Integer(),
    gpu: Type.Union([Type.Number(), Type.Null()], {
      description: '0..1 of its devices; null where it is not measured.',
    }),
    diskReadBytes: Type.Union([Type.Integer(), Type.Null()], { description: 'Since the start, from block devices.' }),
    diskWriteBytes: Type.Union([Type.Integer(), Type.Null()]),
    paused: Type.Boolean(),
  },
  { $id: 'TaskUsage' },
);
export type TaskUsageView = Static<typeof TaskUsageView>;

/** What a worker's heartbeat brought: of the machine, and of those tasks that the reader may see. */
export const SampleView = Type.Object(
  { worker: Type.String(), at: Time, usage: UsageView, tasks: Type.Array(TaskUsageView) },
  { $id: 'Sample' },
);
export type SampleView = Static<typeof SampleView>;

/** The newest sample of each worker that has told one since the message before. */
export const TelemetryMessage = Type.Object({
  kind: Type.Literal('telemetry'),
  id: Id,
  samples: Type.Array(SampleView),
});

export const LogMessage = Type.Object({
  kind: Type.Literal('log'),
  id: Id,
  line: Type.Unsafe<LogLine>(Type.Object({})),
});

export const MESSAGES = {
  welcome: WelcomeMessage,
  alive: AliveMessage,
  subscribed: SubscribedMessage,
  synced: SyncedMessage,
  gap: GapMessage,
  unsubscribed: UnsubscribedMessage,
  error: ErrorMessage,
  event: EventMessage,
  task: TaskMessage,
  left: TaskLeftMessage,
  worker: WorkerMessage,
  workerLeft: WorkerLeftMessage,
  queue: QueueMessage,
  cluster: ClusterMessage,
  telemetry: TelemetryMessage,
  log: LogMessage,
} as const;

export type WelcomeMessage = Static<typeof WelcomeMessage>;
export type AliveMessage = Static<typeof AliveMessage>;
export type SubscribedMessage = Static<typeof SubscribedMessage>;
export type SyncedMessage = Static<typeof SyncedMessage>;
export type GapMessage = Static<typeof GapMessage>;
export type UnsubscribedMessage = Static<typeof UnsubscribedMessage>;
export type ErrorMessage = Static<typeof ErrorMessage>;
export type EventMessage = Static<typeof EventMessage>;
export type TaskMessage = Static<typeof TaskMessage>;
export type TaskLeftMessage = Static<typeof TaskLeftMessage>;
export type WorkerMessage = Static<typeof WorkerMessage>;
export type WorkerLeftMessage = Static<typeof WorkerLeftMessage>;
export type QueueMessage = Static<typeof QueueMessage>;
export type ClusterMessage = Static<typeof ClusterMessage>;
export type TelemetryMessage = Static<typeof TelemetryMessage>;
export type LogMessage = Static<typeof LogMessage>;

/** What a subscription of each topic is sent beside `subscribed`, `error` and `unsubscribed`. */
export interface TopicMessages {
  readonly events: EventMessage | SyncedMessage | GapMessage;
  readonly tasks: TaskMessage | TaskLeftMessage | SyncedMessage | GapMessage;
  readonly workers: WorkerMessage | WorkerLeftMessage | SyncedMessage | GapMessage;
  readonly queue: QueueMessage;
  readonly cluster: ClusterMessage;
  readonly telemetry: TelemetryMessage;
  readonly logs: LogMessage;
}

/** Every message of the master. */
export type WatchMessage =
  | WelcomeMessage
  | AliveMessage
  | SubscribedMessage
  | UnsubscribedMessage
  | ErrorMessage
  | TopicMessages[keyof TopicMessages];
