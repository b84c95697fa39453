/** What a cluster recorded of itself (`cloudai history export`): one JSON object a line, workers and ended tasks. */
import type { GpuDevice, Resources } from '@cloudai/engine';
import { broken, readTrace, type TraceText } from '../traces/file.ts';
import type { Job, SimWorker, Workload } from './job.ts';

/** What a line of the export looks like; further fields are left alone. */
interface WorkerLine {
  readonly kind: 'worker';
  readonly id: string;
  readonly total: Resources | null;
  readonly gpus: readonly GpuDevice[];
  readonly labels: Readonly<Record<string, string>>;
}

interface TaskLine {
  readonly kind: 'task';
  readonly id: string;
  readonly owner: string;
  readonly image: string;
  readonly priority: number;
  readonly resources: Resources;
  readonly submittedAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

export function readHistory(file: string): Workload {
  return parseHistory(readTrace(file));
}

/** Tasks that never ran are left out: what they would have taken is not known. */
export function parseHistory(source: TraceText): Workload {
  const workers: SimWorker[] = [];
  const tasks: { readonly line: TaskLine; readonly submitted: number; readonly ran: number }[] = [];
  for (const [index, text] of source.text.split('\n').entries()) {
    if (text.trim() === '') continue;
    const line = parseLine(source, index + 1, text);
    if (line.kind === 'worker') {
      if (line.total !== null) workers.push(workerOf(line, line.total));
      continue;
    }
    if (line.startedAt === null || line.endedAt === null) continue;
    const submitted = timeOf(source, index + 1, line.submittedAt);
    const ran = timeOf(source, index + 1, line.endedAt) - timeOf(source, index + 1, line.startedAt);
    tasks.push({ line, submitted, ran: Math.max(0, ran) });
  }
  if (workers.length === 0) throw broken(source, 1, 'no worker whose capacity is known');
  if (tasks.length === 0) throw broken(source, 1, 'no task that ran and ended');
  tasks.sort((a, b) => a.submitted - b.submitted || (a.line.id < b.line.id ? -1 : 1));
  const first = tasks[0]!.submitted;
  const jobs = tasks.map(({ line, submitted, ran }) => jobOf(line, submitted - first, ran));
  const able = jobs.filter((job) => workers.some(({ capacity }) => holds(capacity.resources, job.request)));
  return { name: `history ${source.name}`, workers, jobs: able };
}

function workerOf({ id, gpus, labels }: WorkerLine, total: Resources): SimWorker {
  return { id, capacity: { resources: total, gpus }, labels, speed: 1 };
}

function jobOf(line: TaskLine, submitMs: number, runMs: number): Job {
  return {
    id: line.id,
    submitMs,
    runMs,
    estimateMs: null,
    request: line.resources,
    gpuModels: [],
    user: line.owner,
    priority: line.priority,
    image: { name: line.image, bytes: 0 },
    failures: [],
  };
}

function holds(total: Resources, request: Resources): boolean {
  const { custom } = request;
  return (
    request.cpuMillis <= total.cpuMillis &&
    request.memoryBytes <= total.memoryBytes &&
    request.storageBytes <= total.storageBytes &&
    request.gpuMillis <= total.gpuMillis &&
    Object.keys(custom).every((name) => custom[name]! <= (total.custom[name] ?? 0))
  );
}

function parseLine(source: TraceText, number: number, text: string): WorkerLine | TaskLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken(source, number, `not JSON: ${(error as Error).message}`);
  }
  if (!isRecord(value)) throw broken(source, number, 'an object is expected');
  if (value.kind === 'worker') {
    const isSound = typeof value.id === 'string' && (value.total === null || isResources(value.total));
    if (isSound && Array.isArray(value.gpus) && isRecord(value.labels)) return value as unknown as WorkerLine;
    throw broken(source, number, 'a worker has an id, its total, gpus and labels');
  }
  if (value.kind !== 'task') throw broken(source, number, `kind is ${JSON.stringify(value.kind)}, not worker or task`);
  const texts = ['id', 'owner', 'image', 'submittedAt'].every((name) => typeof value[name] === 'string');
  if (texts && Number.isSafeInteger(value.priority) && isResources(value.resources))
    return { startedAt: null, endedAt: null, ...value } as unknown as TaskLine;
  throw broken(source, number, 'a task has an id, owner, image, priority, resources and submittedAt');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isResources(value: unknown): boolean {
  if (!isRecord(value) || !isRecord(value.custom)) return false;
  return ['cpuMillis', 'memoryBytes', 'storageBytes', 'gpuMillis'].every((name) => Number.isSafeInteger(value[name]));
}

function timeOf(source: TraceText, line: number, text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw broken(source, line, `${text} is no time`);
  return at;
}
