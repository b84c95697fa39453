/** Which cluster the commands speak to: flags, then the environment, then `context.yaml`. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CliError } from './errors.ts';

export interface ContextFile {
  readonly url: string;
  readonly token: string | null;
  /** Certificate authority of the cluster in PEM, when the master speaks https with a certificate of its own. */
  readonly ca: string | null;
  readonly namespace: string | null;
}

export const CONTEXT_KEYS = ['url', 'token', 'ca', 'namespace'] as const;

export function stateDir(env: NodeJS.ProcessEnv): string {
  return path.join(env.XDG_STATE_HOME || path.join(os.homedir(), '.local', 'state'), 'cloudai');
}

/** `$CLOUDAI_CONTEXT`, else `cloudai/context.yaml` under `$XDG_CONFIG_HOME` or `~/.config`. */
export function contextPath(env: NodeJS.ProcessEnv): string {
  if (env.CLOUDAI_CONTEXT) return path.resolve(env.CLOUDAI_CONTEXT);
  return path.join(env.XDG_CONFIG_HOME || path.join(os.homedir(), '.config'), 'cloudai', 'context.yaml');
}

/** The file's content, or null when there is none. */
export async function readContextFile(env: NodeJS.ProcessEnv): Promise<ContextFile | null> {
  const file = contextPath(env);
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new CliError('failure', `cannot read ${file}: ${(error as Error).message}`);
  }
  const { parse } = await import('yaml');
  try {
    return toContext(parse(text));
  } catch (error) {
    const why = (error as Error).message.split('\n')[0];
    throw new CliError('usage', `${file}: ${why}`, 'Correct it, or remove it and run `cloudai config set url URL`.');
  }
}

function toContext(value: unknown): ContextFile {
  if (typeof value !== 'object' || value === null) throw new Error('a mapping with url and token is expected');
  const fields = value as Record<string, unknown>;
  const text = (name: string): string | null => {
    const field = fields[name] ?? null;
    if (field !== null && typeof field !== 'string') throw new Error(`${name} is not text`);
    return field;
  };
  const url = text('url');
  if (url === null) throw new Error('url is missing');
  return { url, token: text('token'), ca: text('ca'), namespace: text('namespace') };
}

/** Replaces the file whole; only its owner can read it. Answers its path. */
export async function writeContextFile(env: NodeJS.ProcessEnv, context: ContextFile): Promise<string> {
  const { stringify } = await import('yaml');
  const file = contextPath(env);
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}`;
  fs.writeFileSync(temporary, stringify(context), { mode: 0o600 });
  fs.renameSync(temporary, file);
  return file;
}
