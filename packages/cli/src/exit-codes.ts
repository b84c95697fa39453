/** Every code that `cloudai` ends with. `docs/reference/exit-codes.md` is made from this table. */
export const EXIT_CODES = {
  ok: { code: 0, meaning: 'Done. For `run`: the task completed.' },
  failure: { code: 1, meaning: 'It did not work; the message says why.' },
  usage: { code: 2, meaning: 'The command line or a value in it is wrong; nothing was sent or changed.' },
  notFound: { code: 3, meaning: 'There is no such task, worker, file or other thing, or this user may not see it.' },
  refused: { code: 4, meaning: 'Understood and refused: the state of things or a limit does not allow it.' },
  unavailable: { code: 69, meaning: 'No answer: the master, Docker or a port is not available. Worth trying again.' },
  defect: { code: 70, meaning: 'A defect in CloudAI. Please report it.' },
  disk: { code: 74, meaning: '`master`: its disk failed. What was acknowledged is stored; start it again.' },
  superseded: { code: 75, meaning: '`master`: another master leads this cluster.' },
  notAllowed: { code: 77, meaning: 'The token is missing, unknown or expired, or its user may not do this.' },
  timeout: { code: 124, meaning: '`run`: the task was stopped because it ran or waited longer than allowed.' },
  notRun: {
    code: 125,
    meaning: '`run`: the task ended without an exit code of its own (image, worker, output), or with 0 and yet failed.',
  },
  interrupted: { code: 130, meaning: 'Ended by Ctrl-C, or `run`: the task was cancelled.' },
} as const satisfies Readonly<Record<string, { code: number; meaning: string }>>;

export type ExitName = keyof typeof EXIT_CODES;

export function exitCode(name: ExitName): number {
  return EXIT_CODES[name].code;
}

/** The code that `run` ends with: the task's own wherever it has one that tells the truth. */
export function exitCodeOfTask(task: {
  readonly state: string;
  readonly reason: string | null;
  readonly exitCode: number | null;
}): number {
  if (task.state === 'completed') return task.exitCode ?? exitCode('ok');
  if (task.state === 'cancelled') return exitCode('interrupted');
  if (task.reason === 'timeout' || task.reason === 'queue_timeout') return exitCode('timeout');
  return task.exitCode === null || task.exitCode === 0 ? exitCode('notRun') : task.exitCode;
}
