/** Random changes, as arbitrary as a store may be handed; and random questions. */
import type { Attempt, Change, EndReason, EventKind, Task, TaskState } from '@cloudai/engine';
import { spec } from '@cloudai/engine/testing';
import fc from 'fast-check';
import type { EventFilter, TaskFilter } from '../store.ts';
import { attemptRow, clusterRow, eventRow, idOf, jobRow, namespaceRow, taskRow, workerRow } from './rows.ts';

const NAMESPACES = ['default', 'team-a', 'team-b'];
const OWNERS = ['ada', 'grace'];
const WORKERS = ['w1', 'w2', 'w3'];
const IMAGES = ['busybox:1', 'registry.example/train:2'];
const JOBS = ['j1', 'j2'];
const NAMES = ['train', "o'hara; --", 'naïve 名'];
const STATES: TaskState[] = ['pending', 'queued', 'assigned', 'running', 'completed', 'failed', 'cancelled'];
const LIVE = ['assigned', 'starting', 'running', 'stopping', 'unknown'] as const;
const ENDED = ['succeeded', 'failed', 'cancelled', 'lost', 'superseded'] as const;
const REASONS: EndReason[] = ['exit_zero', 'exit_nonzero', 'oom', 'worker_lost'];
const KINDS: EventKind[] = ['task_submitted', 'task_running', 'worker_connected', 'attempt_lost'];

/** Unicode without lone surrogates, which no UTF-8 text can hold; NUL and control characters included. */
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('', 'a\u0000b', '\'"\\\n', '😀'));
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { freq: 3 });
const time = fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.constantFrom(Number.MAX_SAFE_INTEGER, 1_790_000_000_000));
const labels = fc.dictionary(fc.constantFrom('team', 'zone', '__proto__', 'ключ'), fc.constantFrom('a', 'b', ''), {
  maxKeys: 3,
});

const specs = fc
  .record({
    image: fc.constantFrom(...IMAGES),
    labels,
    env: fc.dictionary(text, text, { maxKeys: 2 }),
    priority: fc.nat(100),
    dependsOn: fc.array(text, { maxLength: 2 }),
  })
  .map((rest) => spec(rest));

const newTask = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  owner: fc.constantFrom(...OWNERS),
  name: maybe(fc.constantFrom(...NAMES)),
  jobId: maybe(fc.constantFrom(...JOBS)),
  retryOf: maybe(text),
  spec: specs,
  submittedAt: time,
});

/** What changes about a task. */
const condition: fc.Arbitrary<Partial<Task>> = fc
  .record({
    state: fc.constantFrom(...STATES),
    reason: fc.constantFrom(...REASONS),
    endedAt: time,
    priority: fc.integer({ min: 0, max: 3 }),
    message: maybe(text),
    exitCode: maybe(fc.integer({ min: -1, max: 255 })),
    eligibleAt: maybe(time),
    waitsFor: fc.array(text, { maxLength: 3 }),
    queuedAt: maybe(time),
    startedAt: maybe(time),
    userFailures: fc.nat(3),
    infraFailures: fc.nat(3),
    suspectWorkers: fc.array(text, { maxLength: 3 }),
    imageDigest: maybe(text),
    cancelRequested: fc.boolean(),
    version: fc.integer({ min: 1, max: 1e9 }),
  })
  .map((row) => {
    const ended = row.state === 'completed' || row.state === 'failed' || row.state === 'cancelled';
    return ended ? row : { ...row, reason: null, endedAt: null };
  });

const attempt: fc.Arbitrary<Partial<Attempt>> = fc.record({
  workerId: fc.constantFrom(...WORKERS),
  session: fc.nat(9),
  state: fc.constantFrom(...LIVE, ...ENDED),
  reason: maybe(fc.constantFrom(...REASONS)),
  reserved: fc.record({
    cpuMillis: fc.nat(64_000),
    memoryBytes: fc.constantFrom(0, 2 ** 30, Number.MAX_SAFE_INTEGER),
    storageBytes: fc.nat(),
    gpuMillis: fc.nat(8_000),
    custom: fc.dictionary(fc.constantFrom('licence', 'disk'), fc.nat(9), { maxKeys: 2 }),
  }),
  gpus: fc.array(fc.record({ index: fc.nat(7), millis: fc.integer({ min: 1, max: 1000 }) }), { maxLength: 2 }),
  placedBy: text,
  expiresAt: maybe(time),
  confirmedAt: maybe(time),
  startedAt: maybe(time),
  endedAt: maybe(time),
  progress: maybe(text),
  containerId: maybe(text),
  stopReason: maybe(fc.constantFrom(...REASONS)),
  result: maybe(
    fc.record({
      exitCode: maybe(fc.nat(255)),
      startedAt: maybe(time),
      endedAt: time,
      oomInChild: fc.boolean(),
      peakMemoryBytes: maybe(fc.nat()),
      cpuMillisSeconds: maybe(fc.nat()),
      logBytes: fc.record({ stdout: fc.nat(), stderr: fc.nat(), dropped: fc.nat() }),
      artifacts: fc.array(fc.record({ path: text, sizeBytes: fc.nat(), digest: text }), { maxLength: 2 }),
      message: maybe(text),
    }),
  ),
});

const other: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('worker' as const), row: fc.constantFrom(...WORKERS).map((id) => workerRow(id)) }),
  fc.record({ kind: fc.constant('worker' as const), row: text.map((address) => workerRow('w1', { address })) }),
  fc.record({ kind: fc.constant('workerRemoved' as const), workerId: fc.constantFrom(...WORKERS) }),
  fc.record({ kind: fc.constant('namespace' as const), row: fc.constantFrom(...NAMESPACES).map(namespaceRow) }),
  fc.record({ kind: fc.constant('job' as const), row: fc.constantFrom(...JOBS).map((id) => jobRow(id)) }),
  fc.record({
    kind: fc.constant('user' as const),
    row: fc.record({
      name: fc.constantFrom(...OWNERS),
      role: fc.constantFrom('admin' as const, 'user' as const),
      namespaces: fc.array(text, { maxLength: 2 }),
      createdAt: time,
      disabled: fc.boolean(),
    }),
  }),
  fc.record({
    kind: fc.constant('token' as const),
    row: fc.record({
      id: fc.constantFrom('t1', 't2'),
      user: fc.constantFrom(...OWNERS),
      hash: text,
      createdAt: time,
      expiresAt: maybe(time),
      revoked: fc.boolean(),
    }),
  }),
  fc.record({
    kind: fc.constant('idempotency' as const),
    row: fc.record({
      namespace: fc.constantFrom(...NAMESPACES),
      key: fc.constantFrom('k1', 'k2'),
      bodyHash: text,
      taskIds: fc.array(text, { maxLength: 2 }),
      jobId: maybe(text),
      expiresAt: time,
    }),
  }),
  fc.record({
    kind: fc.constant('idempotencyExpired' as const),
    namespace: fc.constantFrom(...NAMESPACES),
    key: fc.constantFrom('k1', 'k2'),
  }),
  fc.record({
    kind: fc.constant('cluster' as const),
    row: fc.nat(99).map((eventSequence) => clusterRow({ eventSequence })),
  }),
);

/** One step: what it is about is chosen among what exists when it is taken. */
export type Step =
  | { readonly kind: 'submit'; readonly rest: Partial<Task> }
  | { readonly kind: 'change'; readonly pick: number; readonly rest: Partial<Task> }
  | { readonly kind: 'attempt'; readonly pick: number; readonly number: number; readonly rest: Partial<Attempt> }
  | {
      readonly kind: 'event';
      readonly pick: number;
      readonly event: EventKind;
      readonly namespace: string | null;
      readonly workerId: string | null;
    }
  | { readonly kind: 'other'; readonly change: Change }
  | { readonly kind: 'commit' };

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('submit' as const), rest: newTask }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('change' as const), pick: fc.nat(), rest: condition }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('attempt' as const),
      pick: fc.nat(),
      number: fc.integer({ min: 1, max: 3 }),
      rest: attempt,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('event' as const),
      pick: fc.nat(),
      event: fc.constantFrom(...KINDS),
      namespace: maybe(fc.constantFrom(...NAMESPACES)),
      workerId: maybe(fc.constantFrom(...WORKERS)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('other' as const), change: other }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'commit' as const }) },
);

/** The batches that these steps make. */
export function batches(steps: readonly Step[]): Change[][] {
  const tasks: Task[] = [];
  const made: Change[][] = [[]];
  let events = 0;
  const put = (change: Change) => made.at(-1)!.push(change);
  for (const one of steps) {
    const at = 'pick' in one && tasks.length > 0 ? one.pick % tasks.length : -1;
    if (one.kind === 'commit') made.push([]);
    if (one.kind === 'other') put(one.change);
    if (one.kind === 'submit') {
      const row = taskRow(tasks.length + 1, one.rest);
      tasks.push(row);
      put({ kind: 'task', created: true, row });
    }
    if (one.kind === 'change' && at >= 0) {
      tasks[at] = { ...tasks[at]!, ...one.rest };
      put({ kind: 'task', created: false, row: tasks[at]! });
    }
    if (one.kind === 'attempt' && at >= 0) {
      const row = tasks[at]!;
      // A store may take it that a task without a fence has no attempt.
      if (row.fence < one.number) {
        tasks[at] = { ...row, fence: one.number };
        put({ kind: 'task', created: false, row: tasks[at]! });
      }
      put({ kind: 'attempt', row: attemptRow(row.id, one.number, one.rest) });
    }
    if (one.kind === 'event') {
      events += 1;
      const { event: kind, namespace, workerId } = one;
      put({ kind: 'event', row: eventRow(events, { kind, namespace, workerId, taskId: tasks[at]?.id ?? null }) });
    }
  }
  return made;
}

const namespaces = fc.oneof(fc.constant('all' as const), fc.subarray([...NAMESPACES, 'nobody']));
const subset = <T>(all: readonly T[]) => fc.subarray([...all], { minLength: 0 });

/** Each condition is there or not. */
export const taskFilter: fc.Arbitrary<TaskFilter> = fc.record(
  {
    namespaces,
    states: subset(STATES),
    reasons: subset(REASONS),
    owner: fc.constantFrom(...OWNERS),
    jobId: fc.constantFrom(...JOBS),
    name: fc.constantFrom(...NAMES),
    image: fc.constantFrom(...IMAGES),
    workerId: fc.constantFrom(...WORKERS),
    labels,
    idPrefix: fc.tuple(fc.nat(400), fc.nat(3)).map(([number, length]) => idOf(number).slice(0, length)),
    search: fc.oneof(
      fc.nat(400).map((number) => idOf(number).slice(0, 6).toUpperCase()),
      fc.constantFrom('BUSY', 'train', "o'hara", '名', '%', ':'),
    ),
    submittedAfter: time,
    submittedBefore: time,
  },
  { requiredKeys: ['namespaces'] },
);

export const eventFilter: fc.Arbitrary<EventFilter> = fc.record(
  {
    namespaces,
    taskId: fc.nat(60).map(idOf),
    workerId: fc.constantFrom(...WORKERS),
    kinds: subset(KINDS),
  },
  { requiredKeys: ['namespaces'] },
);
