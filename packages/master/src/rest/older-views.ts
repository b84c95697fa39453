/** Tasks and workers in the field names of earlier versions: amounts in cores and GB, times as text, use in per cent. */
import type { ResourcesView, TaskDetail, TaskView, WorkerView } from '@cloudai/api/rest';

const GIB = 2 ** 30;

/** Our states in the words of then. */
const STATUS: Readonly<Record<TaskView['state'], string>> = {
  pending: 'pending',
  queued: 'queued',
  assigned: 'assigned',
  running: 'running',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
};

export function olderTask(task: TaskView) {
  return {
    task_id: task.id,
    task_name: task.name,
    user_id: task.owner,
    docker_image: task.image,
    command: task.command,
    cpu_required: task.resources.cpuMillis / 1000,
    memory_required: task.resources.memoryBytes / GIB,
    storage_required: task.resources.storageBytes / GIB,
    gpu_required: task.resources.gpuMillis / 1000,
    tag: task.labels.tag ?? null,
    k_value: task.labels.k_value === undefined ? null : Number(task.labels.k_value),
    status: STATUS[task.state],
    message: task.message,
    worker_id: task.worker,
    created_at: task.submittedAt,
    started_at: task.startedAt,
    completed_at: task.endedAt,
  };
}

export function olderDetail({ task, attempts }: TaskDetail, logs: string) {
  const newest = attempts.at(-1);
  return {
    ...olderTask(task),
    assignment: newest === undefined ? null : { worker_id: newest.worker, assigned_at: newest.assignedAt },
    result: task.endedAt === null ? null : { ...olderResult(task), logs },
  };
}

export function olderResult(task: TaskView) {
  const hasStarted = task.startedAt !== null && task.endedAt !== null;
  return {
    task_id: task.id,
    worker_id: task.worker,
    status: STATUS[task.state],
    exit_code: task.exitCode,
    completed_at: task.endedAt,
    execution_time: hasStarted ? (Date.parse(task.endedAt!) - Date.parse(task.startedAt!)) / 1000 : null,
  };
}

export function olderTelemetry(worker: WorkerView) {
  const { usage, total } = worker;
  const share = (part: number, whole: number) => (whole === 0 ? 0 : (100 * part) / whole);
  return {
    worker_id: worker.id,
    cpu_usage: usage === null ? 0 : 100 * usage.cpu,
    memory_usage: usage === null || total === null ? 0 : share(usage.memoryBytes, total.memoryBytes),
    gpu_usage: usage === null ? 0 : 100 * usage.gpu,
    running_tasks: worker.runningTasks.map(({ taskId, state, resources }) => ({
      task_id: taskId,
      cpu_allocated: resources.cpuMillis / 1000,
      memory_allocated: resources.memoryBytes / GIB,
      gpu_allocated: resources.gpuMillis / 1000,
      status: state,
    })),
    last_update: worker.lastSeenAt === null ? 0 : Math.floor(Date.parse(worker.lastSeenAt) / 1000),
    is_active: worker.state === 'active' && worker.connected,
  };
}

export function olderWorker(worker: WorkerView) {
  const { running_tasks, ...use } = olderTelemetry(worker);
  return {
    ...use,
    worker_ip: worker.address ?? worker.remoteAddress,
    state: worker.state,
    ...amounts('total', worker.total),
    ...amounts('allocated', worker.allocated),
    ...amounts('available', worker.available),
    task_count: running_tasks.length,
    running_tasks,
  };
}

function amounts(prefix: string, resources: ResourcesView | null): Record<string, number> {
  return {
    [`${prefix}_cpu`]: (resources?.cpuMillis ?? 0) / 1000,
    [`${prefix}_memory`]: (resources?.memoryBytes ?? 0) / GIB,
    [`${prefix}_storage`]: (resources?.storageBytes ?? 0) / GIB,
    [`${prefix}_gpu`]: (resources?.gpuMillis ?? 0) / 1000,
  };
}
