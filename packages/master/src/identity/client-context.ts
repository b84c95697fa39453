/** The file from which the client tools know where the master is and who they are. */
import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { writeDurably } from '../durable-file.ts';

export interface ClientContext {
  readonly url: string;
  readonly token: string;
  /** PEM of the root, when `url` is https; null otherwise. */
  readonly ca: string | null;
  readonly namespace: string;
}

/** Readable by its owner only. What was there before is kept as `<file>.old`: it may open another cluster. */
export async function writeClientContext(file: string, context: ClientContext): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await rename(file, `${file}.old`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await writeDurably(file, stringify(context), 0o600);
}
