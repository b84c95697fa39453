/** The file from which the client tools know where the master is and who they are. */
import { mkdir, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
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

/** `$CLOUDAI_CONFIG`, else `$XDG_CONFIG_HOME/cloudai`, else `~/.config/cloudai`. */
export function clientConfigDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env.CLOUDAI_CONFIG) return env.CLOUDAI_CONFIG;
  return path.join(env.XDG_CONFIG_HOME || path.join(homedir(), '.config'), 'cloudai');
}

/** Readable by its owner only. What was there before is kept as `context.yaml.old`: it may open another cluster. */
export async function writeClientContext(directory: string, context: ClientContext): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, 'context.yaml');
  await rename(file, `${file}.old`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await writeDurably(file, stringify(context), 0o600);
  return file;
}
