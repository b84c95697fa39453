import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCluster } from './identity/create-cluster.ts';
import { backupCluster, checkCluster, restoreCluster } from './maintenance.ts';

let folder: string;
let dataDir: string;

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cloudai-maintenance-'));
  dataDir = path.join(folder, 'data');
  await createCluster({ dataDir, contextFile: null });
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function at(...names: string[]): string {
  return path.join(folder, ...names);
}

/** A log and a file of an attempt that the state knows nothing of. */
function leaveTraces(of: string): void {
  const log = path.join(of, 'logs/aa/aaaabbbbccccdddd');
  const artifacts = path.join(of, 'artifacts/aa/aaaabbbbccccdddd/1');
  for (const directory of [log, artifacts]) fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(log, '1.log'), 'log');
  fs.writeFileSync(path.join(artifacts, 'file'), 'content');
}

test('a cluster that was backed up and restored is the same cluster in a later epoch', async () => {
  const { clusterId } = await backupCluster(dataDir, at('backup'));
  const restored = await restoreCluster(at('backup'), at('restored'));
  expect(restored.clusterId).toBe(clusterId);
  expect(restored.epoch).toBeGreaterThan(1);
  for (const name of ['admin.yaml', 'identity/root.pem', 'identity/root.key'])
    expect(fs.readFileSync(at('restored', name), 'utf8')).toBe(fs.readFileSync(path.join(dataDir, name), 'utf8'));
  expect(fs.statSync(at('backup')).mode & 0o077, 'its keys are the owner’s').toBe(0);
  expect(fs.statSync(at('restored')).mode & 0o077).toBe(0);
  expect(await checkCluster(at('restored'))).toEqual([]);
});

test('what was written under attempts that the state does not know is not restored', async () => {
  leaveTraces(dataDir);
  await backupCluster(dataDir, at('backup'));
  expect(fs.existsSync(at('backup/logs/aa/aaaabbbbccccdddd/1.log'))).toBe(true);
  await restoreCluster(at('backup'), at('restored'));
  expect(fs.existsSync(at('restored/logs/aa/aaaabbbbccccdddd/1.log'))).toBe(false);
  expect(fs.existsSync(at('restored/artifacts/aa/aaaabbbbccccdddd/1'))).toBe(false);
});

test('logs and files can be left out', async () => {
  leaveTraces(dataDir);
  await backupCluster(dataDir, at('backup'), { stateOnly: true });
  expect(fs.readdirSync(at('backup')).sort()).toEqual(['admin.yaml', 'cloudai.db', 'cluster.json', 'identity']);
});

test('nothing that is there is overwritten, and a refusal leaves nothing behind', async () => {
  await backupCluster(dataDir, at('backup'));
  await expect(backupCluster(dataDir, at('backup'))).rejects.toMatchObject({ code: 'already_initialised' });
  await expect(restoreCluster(at('backup'), dataDir)).rejects.toThrow(dataDir);
  await expect(restoreCluster(at('nothing'), at('restored'))).rejects.toMatchObject({ code: 'not_initialised' });
  await expect(backupCluster(at('nothing'), at('other'))).rejects.toMatchObject({ code: 'not_initialised' });
  expect(fs.readdirSync(folder).sort()).toEqual(['backup', 'data']);
});

test('a store of another cluster is found', async () => {
  await createCluster({ dataDir: at('other'), contextFile: null });
  fs.copyFileSync(at('other/cluster.json'), path.join(dataDir, 'cluster.json'));
  expect(await checkCluster(dataDir)).toMatchObject([{ invariant: 'identity' }]);
});
