/** `<data>/cluster.json`: what cluster this directory belongs to. Written last by `init`, so it also says that init ended. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeDurably } from '../durable-file.ts';

export interface ClusterFile {
  readonly clusterId: string;
  readonly createdAt: string;
}

export async function readClusterFile(dataDir: string): Promise<ClusterFile | null> {
  const file = path.join(dataDir, 'cluster.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed === 'object' && parsed !== null && 'clusterId' in parsed && typeof parsed.clusterId === 'string')
    return { clusterId: parsed.clusterId, createdAt: 'createdAt' in parsed ? String(parsed.createdAt) : '' };
  throw new Error(`${file} does not name a cluster; restore it from the backup of the data directory`);
}

export async function writeClusterFile(dataDir: string, cluster: ClusterFile): Promise<void> {
  await writeDurably(path.join(dataDir, 'cluster.json'), `${JSON.stringify(cluster, null, 2)}\n`, 0o644);
}
