import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Finding, StoreError } from '../store.ts';
import type { AuditAnswer } from './audit-process.ts';

/** Audits with the time that others leave; the signal ends it at once, and it rejects. */
export function auditInBackground(path: string, signal: AbortSignal): Promise<readonly Finding[]> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) =>
      reject(new StoreError('store_io', `auditing ${path} in the background: ${why}`, { cause }));
    if (signal.aborted) {
      fail('it was ended before it began');
      return;
    }
    // Flags of this process (a test runner's hooks) are not for that one.
    const child = fork(fileURLToPath(new URL('./audit-process.ts', import.meta.url)), [path], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      signal,
      killSignal: 'SIGKILL',
    });
    child.once('message', (answer: AuditAnswer) => {
      if ('findings' in answer) resolve(answer.findings);
      else fail(answer.failure);
    });
    child.once('error', (error) => fail(error.message, error));
    child.once('exit', (code, by) => fail(`its process ended with ${by ?? code}`));
    // Nobody stays up for it.
    child.unref();
    child.channel?.unref();
  });
}
