/**
 * Credentials for registries, in the format of Docker's own `config.json`. The file is read at every pull, so that a
 * fresh login needs no restart. Credential helpers are not run: they are programs of the user, not of the worker.
 */
import { readFile } from 'node:fs/promises';
import { RuntimeError } from '../runtime.ts';

const DOCKER_HUB_KEYS = ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io'];

interface Entry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** The value of `X-Registry-Auth`, or null when there are no credentials for this registry. */
export async function registryAuth(file: string, registry: string): Promise<string | null> {
  const entry = findEntry(await readAuths(file), registry);
  if (entry === null) return null;
  const [username, password] = userAndPassword(entry);
  const body = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(entry.identitytoken === undefined ? {} : { identitytoken: entry.identitytoken }),
    ...(entry.registrytoken === undefined ? {} : { registrytoken: entry.registrytoken }),
    serveraddress: registry === 'docker.io' ? DOCKER_HUB_KEYS[0] : registry,
  };
  return Buffer.from(JSON.stringify(body)).toString('base64url');
}

async function readAuths(file: string): Promise<Record<string, Entry>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}; // Nobody logged in.
    throw new RuntimeError('image_error', `the registry credentials ${file} can not be read`, { cause: error });
  }
  try {
    const { auths } = JSON.parse(text) as { auths?: unknown };
    return typeof auths === 'object' && auths !== null ? (auths as Record<string, Entry>) : {};
  } catch (error) {
    throw new RuntimeError('image_error', `the registry credentials ${file} are not valid JSON`, { cause: error });
  }
}

function findEntry(auths: Record<string, Entry>, registry: string): Entry | null {
  const keys = registry === 'docker.io' ? DOCKER_HUB_KEYS : [registry, `https://${registry}`, `http://${registry}`];
  for (const key of keys) {
    for (const candidate of [key, `${key}/`, `${key}/v1/`, `${key}/v2/`]) {
      if (Object.hasOwn(auths, candidate)) return auths[candidate]!;
    }
  }
  return null;
}

function userAndPassword(entry: Entry): [string | undefined, string | undefined] {
  if (entry.username !== undefined) return [entry.username, entry.password];
  if (entry.auth === undefined) return [undefined, undefined];
  const text = Buffer.from(entry.auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon === -1) return [undefined, undefined];
  return [text.slice(0, colon), text.slice(colon + 1).replace(/\0+$/, '')];
}
