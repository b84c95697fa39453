import { expect, test } from 'vitest';
import type { EndReason } from './attempt.ts';
import { type ContainerExit, classifyExit, type StopRequest } from './classify.ts';

const MEMORY = 64 * 2 ** 20;
const exit: ContainerExit = {
  exitCode: 0,
  oomKilled: false,
  external: false,
  daemonRestart: false,
  startedAt: 1_000,
  endedAt: 2_000,
  error: null,
};
const stop = (reason: EndReason): StopRequest => ({ reason, message: `because of ${reason}` });

interface Row {
  readonly what: string;
  readonly exit: Partial<ContainerExit>;
  readonly stop?: StopRequest;
  readonly reason: EndReason;
  readonly exitCode: number | null;
  readonly oomInChild?: true;
}

const rows: readonly Row[] = [
  { what: 'a clean end', exit: {}, reason: 'exit_zero', exitCode: 0 },
  { what: 'any other exit code', exit: { exitCode: 3 }, reason: 'exit_nonzero', exitCode: 3 },
  { what: '127 from the task’s own shell', exit: { exitCode: 127 }, reason: 'exit_nonzero', exitCode: 127 },
  { what: 'a task that kills itself', exit: { exitCode: 137 }, reason: 'exit_nonzero', exitCode: 137 },
  { what: 'a task that dies of SIGSEGV', exit: { exitCode: 139 }, reason: 'exit_nonzero', exitCode: 139 },
  { what: 'killed for memory', exit: { exitCode: 137, oomKilled: true }, reason: 'oom', exitCode: 137 },
  {
    what: 'a child killed for memory, the main process fails',
    exit: { exitCode: 3, oomKilled: true },
    reason: 'exit_nonzero',
    exitCode: 3,
    oomInChild: true,
  },
  {
    what: 'a child killed for memory, the main process succeeds',
    exit: { oomKilled: true },
    reason: 'exit_zero',
    exitCode: 0,
    oomInChild: true,
  },
  { what: 'killed from outside', exit: { exitCode: 137, external: true }, reason: 'external', exitCode: null },
  {
    what: 'stopped from outside, and the process ends with 0',
    exit: { external: true },
    reason: 'external',
    exitCode: null,
  },
  {
    what: 'taken down with the daemon',
    exit: { exitCode: 137, daemonRestart: true },
    reason: 'daemon_restart',
    exitCode: null,
  },
  {
    what: 'taken down with the daemon, and the process ends with 0',
    exit: { daemonRestart: true },
    reason: 'daemon_restart',
    exitCode: null,
  },
  {
    what: 'killed for memory while someone else killed too',
    exit: { exitCode: 137, oomKilled: true, external: true },
    reason: 'oom',
    exitCode: 137,
  },
  {
    what: 'cancelled',
    exit: { exitCode: 143 },
    stop: stop('cancelled_by_user'),
    reason: 'cancelled_by_user',
    exitCode: 143,
  },
  { what: 'timed out, and the process ends with 0', exit: {}, stop: stop('timeout'), reason: 'timeout', exitCode: 0 },
  {
    what: 'preempted, and memory ran out meanwhile',
    exit: { exitCode: 137, oomKilled: true },
    stop: stop('preempted'),
    reason: 'preempted',
    exitCode: 137,
  },
  {
    what: 'cancelled, and the daemon went down meanwhile',
    exit: { exitCode: 137, daemonRestart: true },
    stop: stop('cancelled_by_user'),
    reason: 'cancelled_by_user',
    exitCode: 137,
  },
];

test.each(rows)('$what: $reason', ({ exit: seen, stop: request, reason, exitCode, oomInChild }) => {
  const end = classifyExit({ ...exit, ...seen }, request ?? null, MEMORY);
  expect(end).toMatchObject({ reason, exitCode, oomInChild: oomInChild ?? false, startedAt: 1_000, endedAt: 2_000 });
});

test('an end for lack of memory names the limit and the remedy', () => {
  const end = classifyExit({ ...exit, exitCode: 137, oomKilled: true }, null, MEMORY);
  expect(end.message).toBe('killed for using more than its 64 MiB of memory; ask for more memory');
});

test('a stop carries its own sentence', () => {
  expect(classifyExit(exit, stop('timeout'), MEMORY).message).toBe('because of timeout');
});
