/** `cloudai init`: a cluster comes into being in an empty directory. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Change, type Command, Engine } from '@cloudai/engine';
import { openStore } from '@cloudai/store';
import { stringify } from 'yaml';
import { newId } from '../ids.ts';
import { StartError } from '../start-error.ts';
import { storeUrl } from '../store-url.ts';
import { Authority } from './authority.ts';
import { type ClientContext, writeClientContext } from './client-context.ts';
import { readClusterFile, writeClusterFile } from './cluster-file.ts';
import { makeApiToken } from './tokens.ts';

export interface CreateClusterOptions {
  readonly dataDir: string;
  /** Where clients will find the REST port. Default `http://127.0.0.1:8080`. */
  readonly url?: string;
  /** Where the admin's context goes for the client tools; null: nowhere but `<data>/admin.yaml`. */
  readonly contextFile: string | null;
  /** Another user than `admin`. */
  readonly admin?: string;
  readonly now?: number;
}

export interface CreatedCluster {
  readonly clusterId: string;
  /** Shown nowhere else. */
  readonly token: string;
  /** The admin's context, in the data directory. */
  readonly adminFile: string;
  /** The same for the client tools of whoever ran this, or null. */
  readonly contextFile: string | null;
}

const DEFAULT_URL = 'http://127.0.0.1:8080';

/** Throws `StartError` when there is a cluster already. An init that was interrupted is begun again. */
export async function createCluster(options: CreateClusterOptions): Promise<CreatedCluster> {
  const { dataDir } = options;
  const now = options.now ?? Date.now();
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const there = await readClusterFile(dataDir);
  if (there !== null)
    throw new StartError(
      'already_initialised',
      `${dataDir} holds cluster ${there.clusterId} already; start it with: cloudai master --data ${dataDir}`,
    );
  await removeRemains(dataDir);

  const clusterId = newId();
  await Authority.create(dataDir, clusterId, now);
  const { id, token, hash } = makeApiToken();
  const admin = options.admin ?? 'admin';
  await createStore(dataDir, clusterId, now, [
    { kind: 'putUser', name: admin, role: 'admin', namespaces: [], disabled: false, by: admin },
    { kind: 'putToken', id, user: admin, hash, expiresAt: null, by: admin },
  ]);
  for (const name of ['logs', 'artifacts']) await mkdir(path.join(dataDir, name), { recursive: true, mode: 0o700 });

  const context: ClientContext = { url: options.url ?? DEFAULT_URL, token, ca: null, namespace: 'default' };
  const adminFile = path.join(dataDir, 'admin.yaml');
  await writeFile(adminFile, stringify(context), { mode: 0o600, flush: true });
  await writeClusterFile(dataDir, { clusterId, createdAt: new Date(now).toISOString() });
  const { contextFile } = options;
  if (contextFile !== null) await writeClientContext(contextFile, context);
  return { clusterId, token, adminFile, contextFile };
}

/** The first rows are decided by the engine like any other. */
async function createStore(
  dataDir: string,
  clusterId: string,
  now: number,
  commands: readonly Command[],
): Promise<void> {
  const store = await openStore(storeUrl(dataDir), { create: { clusterId }, reserveBytes: 0 });
  try {
    const engine = new Engine();
    const epoch = 1;
    const changes: Change[] = [];
    for (const command of [{ kind: 'recover', epoch } as const, ...commands]) {
      const applied = engine.apply(command, now);
      if (!applied.reply.ok) throw new StartError('invalid', applied.reply.message);
      for (const change of applied.changes) changes.push(change);
    }
    await store.commit(epoch, changes);
  } finally {
    await store.close();
  }
}

/** What an init left that did not come to its end; without `cluster.json` nothing of it was ever in use. */
async function removeRemains(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir))
    if (name === 'identity' || name.startsWith('cloudai.db') || name === 'admin.yaml')
      await rm(path.join(dataDir, name), { recursive: true, force: true });
}
