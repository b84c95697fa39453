/**
 * Backup, restore and audit of a data directory. A backup is a directory of the same layout: `cluster.json`,
 * `admin.yaml`, `identity/`, `cloudai.db`, `telemetry.db`, `logs/`, `artifacts/`. It holds the keys of the cluster, so it is as secret
 * as the original.
 */
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Finding, openStore, restore, type Store } from '@cloudai/store';
import { syncDirectory } from './durable-file.ts';
import { readClusterFile, writeClusterFile } from './identity/cluster-file.ts';
import { StartError } from './start-error.ts';
import { storeUrl } from './store-url.ts';
import { copyTelemetry, TELEMETRY_FILE } from './telemetry/index.ts';

const STORE_FILE = 'cloudai.db';

export interface BackupOptions {
  /** Leaves out logs, files of tasks and old measurements, which are most of it. */
  readonly stateOnly?: boolean;
}

export interface BackupResult {
  readonly clusterId: string;
  readonly sizeBytes: number;
}

/** Copies a cluster while its master runs or not. `target` must not exist, and appears only when it is whole. */
export async function backupCluster(
  dataDir: string,
  target: string,
  { stateOnly = false }: BackupOptions = {},
): Promise<BackupResult> {
  const cluster = await clusterIn(dataDir);
  await refuseExisting(target);
  const unfinished = `${target}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  const store = await openStore(storeUrl(dataDir), { readOnly: true });
  try {
    await store.backup(path.join(unfinished, STORE_FILE));
    const { sizeBytes } = await store.info();
    // After the state: a log or a file then has at least what the state knows of it.
    for (const name of ['identity', 'admin.yaml', ...(stateOnly ? [] : ['logs', 'artifacts'])])
      await copy(path.join(dataDir, name), path.join(unfinished, name));
    if (!stateOnly) await copyTelemetry(path.join(dataDir, TELEMETRY_FILE), path.join(unfinished, TELEMETRY_FILE));
    await writeClusterFile(unfinished, cluster);
    await rename(unfinished, target);
    await syncDirectory(path.dirname(path.resolve(target)));
    return { clusterId: cluster.clusterId, sizeBytes };
  } finally {
    await store.close();
    await rm(unfinished, { recursive: true, force: true });
  }
}

export interface RestoreResult {
  readonly clusterId: string;
  /** Above every epoch that the backup has seen. */
  readonly epoch: number;
}

/** Makes a data directory from a backup. Never touches one that holds a cluster. */
export async function restoreCluster(backup: string, dataDir: string): Promise<RestoreResult> {
  const cluster = await clusterIn(backup);
  const there = await readClusterFile(dataDir);
  if (there !== null || (await namesIn(dataDir)).includes(STORE_FILE))
    throw new StartError(
      'already_initialised',
      `${dataDir} holds ${there === null ? 'a store' : `cluster ${there.clusterId}`} already; nothing was changed. Restore into another directory, or move this one away`,
    );
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const { epoch } = await restore(path.join(backup, STORE_FILE), storeUrl(dataDir));
  for (const name of ['identity', 'admin.yaml', 'logs', 'artifacts', TELEMETRY_FILE])
    await copy(path.join(backup, name), path.join(dataDir, name));
  const store = await openStore(storeUrl(dataDir), { readOnly: true });
  try {
    for (const name of ['logs', 'artifacts']) await removeUnknown(path.join(dataDir, name), store);
  } finally {
    await store.close();
  }
  // Last, as `init` does: it says that the rest is whole.
  await writeClusterFile(dataDir, cluster);
  return { clusterId: cluster.clusterId, epoch };
}

/** Audits the stored rows against the invariants, beside a running master or without one. */
export async function checkCluster(dataDir: string): Promise<readonly Finding[]> {
  const { clusterId } = await clusterIn(dataDir);
  const store = await openStore(storeUrl(dataDir), { readOnly: true });
  try {
    const info = await store.info();
    const foreign: Finding[] =
      info.clusterId === clusterId
        ? []
        : [
            {
              invariant: 'identity',
              message: `the store belongs to cluster ${info.clusterId}, cluster.json to ${clusterId}`,
            },
          ];
    return [...foreign, ...(await store.fsck())];
  } finally {
    await store.close();
  }
}

async function clusterIn(directory: string) {
  const cluster = await readClusterFile(directory);
  if (cluster === null)
    throw new StartError('not_initialised', `${directory} holds no cluster: it has no cluster.json`);
  return cluster;
}

async function refuseExisting(target: string): Promise<void> {
  const name = path.basename(target);
  if ((await namesIn(path.dirname(path.resolve(target)))).includes(name))
    throw new StartError('already_initialised', `${target} is there already; nothing was changed. Choose another name`);
}

/** What is missing is left out; files that vanish meanwhile were removed by retention. */
async function copy(from: string, to: string): Promise<void> {
  try {
    await cp(from, to, { recursive: true, preserveTimestamps: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/**
 * The number of an attempt that the restored state does not know may be given again, so what was written under it has
 * to go: `<two letters>/<task>/<attempt>[.log]`.
 */
async function removeUnknown(directory: string, store: Store): Promise<void> {
  for (const prefix of await namesIn(directory)) {
    for (const taskId of await namesIn(path.join(directory, prefix))) {
      const known = new Set((await store.attempts(taskId)).map(({ number }) => String(number)));
      for (const name of await namesIn(path.join(directory, prefix, taskId)))
        if (!known.has(name.replace(/\.log$/, '')))
          await rm(path.join(directory, prefix, taskId, name), { recursive: true, force: true });
    }
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
