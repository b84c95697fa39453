/**
 * Why a container ended: one table, in the order in which its rows apply.
 *
 * | what was seen                                    | reason                                   |
 * | ------------------------------------------------ | ---------------------------------------- |
 * | we stopped it                                    | the reason of the stop                   |
 * | killed for memory, and the main process with it  | `oom`                                    |
 * | killed or removed from outside                   | `external` (not the task's fault)        |
 * | ended because the daemon was restarted           | `daemon_restart` (not the task's fault)  |
 * | exit code 0                                      | `exit_zero`                              |
 * | any other exit code                              | `exit_nonzero`                           |
 *
 * A child killed for memory while the main process went on is a flag, not a reason. 137 alone proves nothing:
 * a task may kill itself.
 */
import type { AttemptEnd, EndReason } from './attempt.ts';

const SIGKILL_EXIT = 137;

/** What the runtime knows of an ended container. */
export interface ContainerExit {
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** The main process did not end by itself or by us: killed or removed from outside. */
  readonly external: boolean;
  /** The daemon was restarted and took the container down, or can not tell any more how it ended. */
  readonly daemonRestart: boolean;
  readonly startedAt: number | null;
  readonly endedAt: number;
  readonly error: string | null;
}

/** Why the worker itself ended a container. */
export interface StopRequest {
  readonly reason: EndReason;
  readonly message: string | null;
}

/** `memoryBytes` is the limit it ran under, for the sentence that a person reads. */
export function classifyExit(exit: ContainerExit, stop: StopRequest | null, memoryBytes: number): AttemptEnd {
  const oom = exit.oomKilled && exit.exitCode === SIGKILL_EXIT;
  const base = {
    startedAt: exit.startedAt,
    endedAt: exit.endedAt,
    oomInChild: exit.oomKilled && !oom,
  };
  if (stop !== null) return { ...base, reason: stop.reason, exitCode: exit.exitCode, message: stop.message };
  if (oom) {
    const message = `killed for using more than its ${mebibytes(memoryBytes)} of memory; ask for more memory`;
    return { ...base, reason: 'oom', exitCode: exit.exitCode, message };
  }
  if (exit.external) {
    const message = exit.error ?? 'the container was killed or removed by someone other than CloudAI';
    return { ...base, reason: 'external', exitCode: null, message };
  }
  if (exit.daemonRestart) {
    return {
      ...base,
      reason: 'daemon_restart',
      exitCode: null,
      message:
        exit.error ??
        'the Docker daemon was restarted and took the container down; turn on "live-restore" to avoid this',
    };
  }
  const message = exit.error === null || exit.error === '' ? null : exit.error;
  if (exit.exitCode === 0) return { ...base, reason: 'exit_zero', exitCode: 0, message };
  return { ...base, reason: 'exit_nonzero', exitCode: exit.exitCode, message };
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
