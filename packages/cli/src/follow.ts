/** Shows the log of a task while it is written, and says on the side what the task is waiting for. */
import { ApiError, bytesOf, type CloudAI, isTerminal, type LogRecord, type TaskView } from '@cloudai/sdk';
import type { Cli } from './cli.ts';

export interface TaskEnd {
  readonly state: string;
  readonly reason: string | null;
  readonly exitCode: number | null;
  readonly message: string | null;
}

const LOOK_EVERY_MS = 500;

/** Follows to the end of the task. Standard error of the task goes to standard error. */
export async function followTask(cli: Cli, client: CloudAI, id: string, signal: AbortSignal): Promise<TaskEnd> {
  const waiting = new AbortController();
  const spoken =
    cli.quiet || cli.json ? null : speakOfWaiting(cli, client, id, AbortSignal.any([signal, waiting.signal]));
  try {
    for await (const record of client.readLogs(id, { follow: true }, { signal })) {
      if (record.kind === 'data') waiting.abort();
      if (record.kind === 'end') return record;
      await writeRecord(cli, record);
    }
  } catch (error) {
    // A task that never started has no log.
    if (!(error instanceof ApiError && error.code === 'log_unavailable')) throw error;
  } finally {
    waiting.abort();
    await spoken;
  }
  return (await client.waitForTask(id, { signal })).task;
}

export function writeRecord(cli: Cli, record: LogRecord): Promise<void> | undefined {
  if (cli.json) return cli.out.write(`${JSON.stringify(record)}\n`);
  if (record.kind === 'data') return cli.out.write(bytesOf(record), record.stream);
  if (record.kind === 'dropped') cli.out.note(`(${record.bytes} bytes of the log were dropped: its limit was reached)`);
  if (record.kind === 'attempt' && record.attempt > 1) cli.out.note(`(attempt ${record.attempt} on ${record.worker})`);
  return undefined;
}

/** One line whenever the reason for waiting changes, until the first output. */
async function speakOfWaiting(cli: Cli, client: CloudAI, id: string, signal: AbortSignal): Promise<void> {
  let last = '';
  try {
    for (;;) {
      await pause(LOOK_EVERY_MS, signal);
      const { task, attempts } = await client.getTask(id, { signal });
      if (isTerminal(task.state) || task.state === 'running') return;
      const line = waitingLine(task, attempts.at(-1)?.progress ?? null);
      if (line !== last) cli.out.note(cli.out.colors.dim(line));
      last = line;
    }
  } catch {
    // Talk on the side: the log says what went wrong, and an abort ends it.
  }
}

function waitingLine(task: TaskView, progress: string | null): string {
  if (task.state === 'assigned') return `on ${task.worker}: ${progress ?? 'starting'}`;
  return `${task.state}${task.message === null ? '' : `: ${task.message}`}`;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** `completed`, `failed: Exit code 42. (exit_nonzero)`. */
export function endLine({ state, reason, message, exitCode }: TaskEnd): string {
  if (state === 'completed') return state;
  const why = message ?? (exitCode === null ? null : `Exit code ${exitCode}.`);
  return `${state}${why === null ? '' : `: ${why}`}${reason === null ? '' : ` (${reason})`}`;
}
