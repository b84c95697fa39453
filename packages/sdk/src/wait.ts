import type { TaskDetail, TaskStateView } from '@cloudai/api/rest';
import { sleep } from './retry.ts';

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Longest pause between two looks, ms; starts at a tenth of a second and grows to this. Default 1000. */
  readonly pollMs?: number;
}

const FIRST_POLL_MS = 100;

export async function waitForTask(
  look: (signal: AbortSignal) => Promise<TaskDetail>,
  options: WaitOptions,
): Promise<TaskDetail> {
  const signal = options.signal ?? new AbortController().signal;
  let pause = FIRST_POLL_MS;
  for (;;) {
    const detail = await look(signal);
    if (isTerminal(detail.task.state)) return detail;
    await sleep(pause, signal);
    pause = Math.min(pause * 1.5, options.pollMs ?? 1000);
  }
}

export function isTerminal(state: TaskStateView): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}
