// Backup, restore and audit of a cluster that has seen work.
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { collectLog } from './checks.ts';
import { Cluster, IMAGE } from './cluster.ts';
import { useCluster } from './use-cluster.ts';

const cluster = useCluster({ workers: [{}] });
const SMALL = { cpu: 0.5, memory: '32Mi', storage: '64Mi' };

test('a backup made while the master runs restores everything but the time since', async () => {
  const before = await cluster.client.submitTask({ image: IMAGE, command: 'echo kept; exit 6', resources: SMALL });
  await cluster.client.waitForTask(before.id);
  const waiting = await cluster.client.submitTask({ image: IMAGE, command: 'exit 0', resources: { cpu: 64 } });
  const file = path.join(cluster.folder, 'backup');
  await cluster.run('backup', '--data', cluster.masterFolder, file);
  const since = await cluster.client.submitTask({ image: IMAGE, command: 'exit 0', resources: SMALL });
  await cluster.client.waitForTask(since.id);

  const restored = new Cluster({ workers: [] });
  try {
    await restored.run('restore', '--data', restored.masterFolder, file);
    fs.cpSync(path.join(cluster.folder, 'config'), path.join(restored.folder, 'config'), { recursive: true });
    await restored.startExisting();
    expect((await restored.client.getTask(before.id)).task).toMatchObject({ state: 'failed', exitCode: 6 });
    expect((await restored.client.getTask(waiting.id)).task.state).toBe('queued');
    await expect(restored.client.getTask(since.id)).rejects.toMatchObject({ code: 'task_unknown' });
    expect((await restored.client.getCluster()).epoch).toBeGreaterThan((await cluster.client.getCluster()).epoch);
    await restored.client.cancelTask(waiting.id);
  } finally {
    await restored.close();
  }
  await cluster.client.cancelTask(waiting.id);
});

test('a data directory is never overwritten by a restore', async () => {
  const file = path.join(cluster.folder, 'backup-2');
  await cluster.run('backup', '--data', cluster.masterFolder, file);
  const { code, stderr } = await cluster.cli(['restore', '--data', cluster.masterFolder, file]);
  expect(code).not.toBe(0);
  expect(stderr).toContain(cluster.masterFolder);
  await cluster.client.getVersion();
});

test('fsck finds nothing wrong, with the master running and without', async () => {
  const task = await cluster.client.submitTask({ image: IMAGE, command: 'echo hello', resources: SMALL });
  await cluster.client.waitForTask(task.id);
  expect((await cluster.cli(['fsck', '--data', cluster.masterFolder])).code).toBe(0);
  await cluster.master.stop();
  expect((await cluster.cli(['fsck', '--data', cluster.masterFolder])).code).toBe(0);
  await cluster.startMaster();
  expect((await collectLog(cluster.client, task.id)).stdout.toString()).toBe('hello\n');
});

test('init does not touch a cluster that is there', async () => {
  const { code, stderr } = await cluster.cli(['init', '--data', cluster.masterFolder]);
  expect(code).not.toBe(0);
  expect(stderr).toContain(cluster.masterFolder);
});
