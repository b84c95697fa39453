/** What a client sends over a watch: subscriptions by topic, each under an id of its choice. */
import { type Static, Type } from 'typebox';

const strict = { additionalProperties: false } as const;

const SubscriptionId = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^[\\w.:-]+$',
  description: 'Chosen by the client; every message about the subscription carries it.',
});
const After = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description:
      'Go on after this event sequence: of the last message, or of the header X-Cloudai-Sequence of a list. Without it: from now.',
  }),
);
const Word = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description }));
const head = { kind: Type.Literal('subscribe'), id: SubscriptionId };

export const EventsSubscription = Type.Object(
  {
    ...head,
    topic: Type.Literal('events'),
    after: After,
    namespace: Word('Only events of this namespace.'),
    task: Word('Only events of this task; its id or the first characters of it.'),
    worker: Word('Only events about this worker.'),
    kinds: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        minItems: 1,
        maxItems: 64,
        description: 'Only events of these kinds.',
      }),
    ),
  },
  strict,
);
export type EventsSubscription = Static<typeof EventsSubscription>;

/** The filter reads as that of the task list. */
export const TasksSubscription = Type.Object(
  {
    ...head,
    topic: Type.Literal('tasks'),
    after: After,
    namespace: Word('Only tasks of this namespace.'),
    state: Word('States, separated by commas.'),
    reason: Word('Reasons of ended tasks, separated by commas.'),
    owner: Word('Name of the user who submitted.'),
    worker: Word('Tasks with an attempt on this worker.'),
    job: Word('Id of a job.'),
    name: Word('Name of the task.'),
    image: Word('Image as it was written at submit.'),
    label: Word('`key=value` pairs, separated by commas; all have to match.'),
    idPrefix: Word('First characters of the id.'),
    q: Word('The id begins with this, or name or image contain it, in whatever case.'),
    submittedAfter: Word('Submitted at this time (ISO 8601) or later, or within the last `10m`.'),
    submittedBefore: Word('Submitted before this time, or longer ago than `10m`.'),
    ids: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        minItems: 1,
        maxItems: 1000,
        description: 'Only these tasks.',
      }),
    ),
  },
  strict,
);
export type TasksSubscription = Static<typeof TasksSubscription>;

export const WorkersSubscription = Type.Object(
  { ...head, topic: Type.Literal('workers'), after: After, worker: Word('Only this worker.') },
  strict,
);
export type WorkersSubscription = Static<typeof WorkersSubscription>;

export const QueueSubscription = Type.Object(
  {
    ...head,
    topic: Type.Literal('queue'),
    namespace: Word('Only tasks of this namespace.'),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'How much of the head of the queue.' }),
    ),
  },
  strict,
);
export type QueueSubscription = Static<typeof QueueSubscription>;

export const ClusterSubscription = Type.Object({ ...head, topic: Type.Literal('cluster') }, strict);
export type ClusterSubscription = Static<typeof ClusterSubscription>;

export const TelemetrySubscription = Type.Object(
  {
    ...head,
    topic: Type.Literal('telemetry'),
    worker: Word('Only this worker.'),
    task: Word('Only the worker that runs this task, and only this task on it.'),
  },
  strict,
);
export type TelemetrySubscription = Static<typeof TelemetrySubscription>;

const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** Reads as the log route with `follow`: history first, then what comes, until the task ends. */
export const LogsSubscription = Type.Object(
  {
    ...head,
    topic: Type.Literal('logs'),
    task: Type.String({ minLength: 1, maxLength: 64, description: 'Id of a task, or the first characters of it.' }),
    attempt: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: 1_000_000 }), Type.Literal('all')], {
        description: 'Number of an attempt; the newest and those after it without; `all` for every one in order.',
      }),
    ),
    stream: Type.Optional(Type.Union([Type.Literal('stdout'), Type.Literal('stderr')])),
    tail: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000, description: 'Only the last lines of history.' })),
    since: Word('Only lines from this time (ISO 8601) or of the last `10m`.'),
    grep: Word('Only lines with this text.'),
    regex: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Only lines that match.' })),
    offset: Type.Optional(
      Type.Object(
        {
          attempt: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
          stdout: Type.Optional(Bytes),
          stderr: Type.Optional(Bytes),
        },
        {
          additionalProperties: false,
          description: 'Go on in this attempt, each stream at the byte after the last one that was received.',
        },
      ),
    ),
  },
  strict,
);
export type LogsSubscription = Static<typeof LogsSubscription>;

export const Unsubscription = Type.Object({ kind: Type.Literal('unsubscribe'), id: SubscriptionId }, strict);
export type Unsubscription = Static<typeof Unsubscription>;

/** By topic. */
export const SUBSCRIPTIONS = {
  events: EventsSubscription,
  tasks: TasksSubscription,
  workers: WorkersSubscription,
  queue: QueueSubscription,
  cluster: ClusterSubscription,
  telemetry: TelemetrySubscription,
  logs: LogsSubscription,
} as const;

export type Subscription =
  | EventsSubscription
  | TasksSubscription
  | WorkersSubscription
  | QueueSubscription
  | ClusterSubscription
  | TelemetrySubscription
  | LogsSubscription;

/** Every message of a client. */
export type WatchRequest = Subscription | Unsubscription;
