// What has to be true of any cluster after anything that was done to it. The end-to-end and the chaos tests share these;
// each looks at the cluster from outside, through the API.
import {
  bytesOf,
  type CloudAI,
  type EventView,
  type LogQuery,
  type LogRecord,
  type TaskView,
  type WorkerView,
} from '@cloudai/sdk';
import { expect } from 'vitest';

/** A log, put together again from its records. */
export interface CollectedLog {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly dropped: number;
  readonly end: Extract<LogRecord, { kind: 'end' }> | null;
}

/** Reads a log and checks that every record begins where its stream had ended. */
export async function collectLog(
  client: CloudAI,
  task: string,
  query: Omit<LogQuery, 'format'> = {},
  signal?: AbortSignal,
): Promise<CollectedLog> {
  const parts = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const next = { stdout: 0, stderr: 0 };
  let attempt = 0;
  let dropped = 0;
  let end: CollectedLog['end'] = null;
  for await (const record of client.readLogs(task, query, signal === undefined ? {} : { signal })) {
    if (record.kind === 'end') end = record;
    if (record.kind === 'dropped') dropped += record.bytes;
    if (record.kind !== 'data') continue;
    if (record.attempt !== attempt) {
      attempt = record.attempt;
      next.stdout = 0;
      next.stderr = 0;
    }
    if (record.offset !== next[record.stream]) {
      throw new Error(
        `log of ${task}, attempt ${attempt}, ${record.stream}: a record starts at byte ${record.offset}, the one before ended at ${next[record.stream]}`,
      );
    }
    const bytes = bytesOf(record);
    parts[record.stream].push(bytes);
    next[record.stream] += bytes.length;
  }
  return { stdout: Buffer.concat(parts.stdout), stderr: Buffer.concat(parts.stderr), dropped, end };
}

/** Every number from 1 to `count`, one a line behind `prefix`, in order, and nothing else. Says what is wrong first. */
export function checkNumberedLines(log: Buffer, count: number, prefix = ''): void {
  const lines = log.toString().split('\n');
  expect(lines.pop(), 'the log ends with a line end').toBe('');
  for (const [index, line] of lines.entries()) {
    if (line !== `${prefix}${index + 1}`) {
      throw new Error(
        `line ${index + 1} of ${lines.length} is ${JSON.stringify(line.slice(0, 200))}, expected ${prefix}${index + 1}`,
      );
    }
  }
  expect(lines.length, 'lines').toBe(count);
}

const ENDS = new Set(['task_completed', 'task_failed', 'task_cancelled']);

/** The timeline has no gap and no repeat, and each of these tasks has ended in it exactly once, with nothing after its end. */
export async function checkTimeline(client: CloudAI, taskIds: readonly string[]): Promise<EventView[]> {
  const events: EventView[] = [];
  for await (const event of client.listEvents({ limit: 1000 })) events.push(event);
  for (const [index, event] of events.entries()) {
    const before = events[index - 1];
    if (before !== undefined && event.sequence !== before.sequence + 1) {
      throw new Error(`event ${event.sequence} follows ${before.sequence}`);
    }
  }
  const ends = new Map<string, EventView[]>();
  for (const event of events) {
    if (event.taskId === null) continue;
    const earlier = ends.get(event.taskId);
    if (ENDS.has(event.kind)) ends.set(event.taskId, [...(earlier ?? []), event]);
    else if (earlier !== undefined && event.kind.startsWith('task_')) {
      throw new Error(`task ${event.taskId}: ${event.kind} after ${earlier.at(-1)?.kind}`);
    }
  }
  for (const id of taskIds) {
    const own = ends.get(id) ?? [];
    if (own.length !== 1)
      throw new Error(`task ${id} has ${own.length} ends in the timeline: ${own.map(({ kind }) => kind).join(', ')}`);
  }
  return events;
}

/** Nothing is held any more, by any worker. */
export async function checkNothingAllocated(client: CloudAI): Promise<void> {
  for await (const worker of client.listWorkers()) {
    expect({ worker: worker.id, ...worker.allocated }).toEqual({
      worker: worker.id,
      cpuMillis: 0,
      memoryBytes: 0,
      storageBytes: 0,
      gpuMillis: 0,
      custom: {},
    });
    expect(worker.available).toEqual(worker.total);
    expect(worker.runningTasks).toEqual([]);
  }
}

const AMOUNTS = ['cpuMillis', 'memoryBytes', 'storageBytes', 'gpuMillis'] as const;

/** No worker holds more than it has; what it holds is the sum of its tasks; what is left is the difference. */
export function checkCapacity(worker: WorkerView): void {
  const { total, allocated, available } = worker;
  if (total === null || available === null) return; // Never connected.
  for (const amount of AMOUNTS) {
    const sum = worker.runningTasks.reduce((so, task) => so + task.resources[amount], 0);
    const found = {
      worker: worker.id,
      amount,
      total: total[amount],
      allocated: allocated[amount],
      available: available[amount],
      sum,
    };
    if (
      allocated[amount] > total[amount] ||
      allocated[amount] < 0 ||
      available[amount] !== total[amount] - allocated[amount] ||
      sum !== allocated[amount]
    ) {
      throw new Error(`the accounts of a worker do not add up: ${JSON.stringify(found)}`);
    }
  }
}

/** Looks at every worker again and again until stopped; answers how often, and the most CPU it saw held per worker. */
export function watchCapacity(client: CloudAI): {
  stop(): Promise<{ samples: number; peakCpuMillis: ReadonlyMap<string, number> }>;
} {
  const stopped = new AbortController();
  const peakCpuMillis = new Map<string, number>();
  const watching = (async () => {
    let samples = 0;
    while (!stopped.signal.aborted) {
      for await (const worker of client.listWorkers()) {
        checkCapacity(worker);
        peakCpuMillis.set(worker.id, Math.max(worker.allocated.cpuMillis, peakCpuMillis.get(worker.id) ?? 0));
        samples++;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { samples, peakCpuMillis };
  })();
  watching.catch(() => undefined); // Reported by stop().
  return {
    stop: () => {
      stopped.abort();
      return watching;
    },
  };
}

/** Waits for all of these to end, over restarts of the master, and answers them in order. */
export async function waitForAll(client: CloudAI, taskIds: readonly string[]): Promise<TaskView[]> {
  const ended: TaskView[] = [];
  for (const id of taskIds) ended.push((await client.waitForTask(id, { pollMs: 250 })).task);
  return ended;
}
