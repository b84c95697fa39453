/**
 * What external schedulers are shown and what they may decide. The rules are the engine's (`stages/lease.ts`): here the
 * state is read in one look, with the sequence of its newest event, and the plan goes to the same commit as any other.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { agentWire } from '@cloudai/api';
import { type Resources, type Task, type Worker, ZERO } from '@cloudai/engine';
import { authorize, type Subject } from '../authorize.ts';
import type { MasterContext } from '../context.ts';
import { submit } from '../operations/call.ts';
import { invalid, Rejected } from '../operations/rejected.ts';
import { Unavailable } from '../unavailable.ts';

type State = MessageInitShape<typeof agentWire.FetchClusterStateResponseSchema>;
type Outcomes = MessageInitShape<typeof agentWire.SubmitAssignmentsResponseSchema>;
type Wire<T extends keyof typeof WIRE> = MessageInitShape<(typeof WIRE)[T]>;

const WIRE = { worker: agentWire.WorkerStateSchema, task: agentWire.PendingTaskSchema } as const;

const USUAL_TASKS = 1_000;
const MOST_TASKS = 10_000;
const MOST_ASSIGNMENTS = 10_000;
const RETRY_AFTER_SECONDS = 1;

export async function fetchClusterState(
  context: MasterContext,
  subject: Subject,
  { agent, maxTasks }: agentWire.FetchClusterStateRequest,
): Promise<State> {
  check(subject, agent);
  if (maxTasks < 0 || maxTasks > MOST_TASKS) throw invalid('max_tasks', `has to be from 1 to ${MOST_TASKS}`);
  const lease = await put(() => submit(context, { kind: 'leaseScheduler', agent }, 'leased'));
  const { engine } = context.loop;
  const { eventSequence, epoch, placement } = engine.cluster();
  const now = context.now();
  const tasks = Iterator.from(engine.queued()).take(maxTasks === 0 ? USUAL_TASKS : maxTasks);
  const state: State = {
    sequence: BigInt(eventSequence),
    epoch: BigInt(epoch),
    lease: {
      granted: lease.agent === agent,
      holder: lease.agent ?? '',
      remainingMs: lease.until === null ? 0 : Math.max(0, Math.round(lease.until - now)),
      placement,
    },
    workers: engine
      .workers()
      .filter(({ state }) => state !== 'revoked')
      .map((worker) => workerOf(context, worker)),
    tasks: tasks.map((task) => taskOf(context, task, now)).toArray(),
    tasksTotal: engine.counts().queued,
  };
  // An agent must not plan with what a failing disk takes back.
  await put(() => context.loop.settled());
  return state;
}

export async function submitAssignments(
  context: MasterContext,
  subject: Subject,
  { agent, sequence, assignments }: agentWire.SubmitAssignmentsRequest,
): Promise<Outcomes> {
  check(subject, agent);
  if (assignments.length > MOST_ASSIGNMENTS)
    throw invalid('assignments', `${assignments.length} are too many for one call; at most ${MOST_ASSIGNMENTS}`);
  const seen = new Set<string>();
  for (const [index, { taskId }] of assignments.entries()) {
    if (seen.has(taskId)) throw invalid(`assignments[${index}].task_id`, `${taskId} is assigned twice`);
    seen.add(taskId);
  }
  const plan = assignments.map(({ taskId, workerId }) => ({ taskId, workerId }));
  const claim = { agent, sequence: Number(sequence) };
  const { committed, refused } = await put(() =>
    submit(context, { kind: 'commitPlan', planner: `external:${agent}`, assignments: plan, claim }, 'planned'),
  );
  const refusals = new Map(refused.map((refusal) => [refusal.taskId, refusal]));
  const outcomes = plan.map(({ taskId, workerId }) => {
    const { code = '', message = '' } = refusals.get(taskId) ?? {};
    return { taskId, workerId, accepted: !refusals.has(taskId), code, message };
  });
  return { outcomes, committed };
}

/** Whoever may choose the scheduler may be it. */
function check(subject: Subject, agent: string): void {
  if (authorize(subject, 'useScheduler', null) !== 'allowed')
    throw new Rejected(
      'forbidden',
      `The role ${subject.role} of ${subject.user} may not schedule; use a token of an admin`,
    );
  if (!/^[\w.-]{1,64}$/.test(agent)) throw invalid('agent', 'has to be 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-"');
}

async function put<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    throw new Rejected(error.code, error.message, undefined, { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
}

function workerOf({ loop: { engine } }: MasterContext, worker: Worker): Wire<'worker'> {
  const message = whyInactive(worker);
  return {
    id: worker.id,
    status: message === '' ? 'active' : 'inactive',
    message,
    total: amounts(worker.capacity?.resources ?? ZERO),
    available: amounts(engine.available(worker.id) ?? ZERO),
    labels: { ...worker.detectedLabels, ...worker.labels },
    runningTasks: engine.liveAttempts(worker.id).length,
  };
}

function whyInactive({ state, drain, unhealthy, connected }: Worker): string {
  if (state !== 'active') return `is ${state}`;
  if (!connected) return 'is not connected';
  if (drain !== null) return 'is being drained';
  return unhealthy ?? '';
}

function taskOf({ loop: { engine } }: MasterContext, task: Task, now: number): Wire<'task'> {
  const { spec } = task;
  return {
    id: task.id,
    namespace: task.namespace,
    name: task.name ?? '',
    image: spec.image,
    requirements: amounts(spec.request),
    targetWorker: spec.targetWorker ?? '',
    selector: { ...spec.selector },
    labels: { ...spec.labels },
    taskType: spec.labels.type ?? '',
    priority: task.priority,
    waitingMs: BigInt(Math.max(0, Math.round(now - (task.queuedAt ?? task.submittedAt)))),
    failedOn: [...engine.failedOn(task.id)],
  };
}

function amounts({ cpuMillis, memoryBytes, storageBytes, gpuMillis, custom }: Resources) {
  return {
    cpuMillis: BigInt(cpuMillis),
    memoryBytes: BigInt(memoryBytes),
    storageBytes: BigInt(storageBytes),
    gpuMillis: BigInt(gpuMillis),
    custom: Object.fromEntries(Object.entries(custom).map(([name, count]) => [name, BigInt(count)])),
  };
}
