/** What runs in the thread of the archive: one request after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { ArchiveFile, type ArchiveLimits } from './archive-file.ts';

export interface ArchiveThreadData extends ArchiveLimits {
  readonly path: string;
}

export interface ToArchive {
  readonly id: number;
  readonly method: 'putMinute' | 'putAttempts' | 'minutes' | 'attempt' | 'remove' | 'info' | 'close';
  readonly args: readonly unknown[];
}

export type FromArchive =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly message: string }
  | { readonly kind: 'damage'; readonly message: string };

const port = parentPort;
if (port !== null) serve(port, workerData as ArchiveThreadData);

function serve(out: NonNullable<typeof parentPort>, { path, ...limits }: ArchiveThreadData): void {
  const send = (message: FromArchive) => out.postMessage(message);
  let file: ArchiveFile | null = null;
  out.on('message', ({ id, method, args }: ToArchive) => {
    try {
      // Opened at the first request, and tried again at the next when that fails.
      file ??= new ArchiveFile(path, limits, (message) => send({ kind: 'damage', message }));
      const methods = file as unknown as Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
      send({ kind: 'answer', id, value: methods[method]!.call(file, ...args) });
    } catch (error) {
      send({ kind: 'error', id, message: error instanceof Error ? error.message : String(error) });
    }
    if (method === 'close') out.close();
  });
}
