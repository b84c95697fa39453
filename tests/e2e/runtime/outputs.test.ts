// What a task leaves in /output, meant well or not.
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { useDockerWorker } from './docker-worker.ts';

const worker = useDockerWorker();

test('files and folders are kept with their bytes', async () => {
  const shell =
    'mkdir -p /output/a/b; printf x >/output/a/b/x.txt; head -c 3000000 /dev/zero >/output/zeros; : >/output/empty';
  const { key, artifacts } = await worker.run1({ shell });
  expect([...artifacts].sort()).toEqual(['a/b/x.txt', 'empty', 'zeros']);
  const received = worker.master.artifacts.get(`${key.taskId}.1`) ?? [];
  expect(Object.fromEntries(received.map((file) => [file.path, file.data.length]))).toEqual({
    'a/b/x.txt': 1,
    zeros: 3_000_000,
    empty: 0,
  });
});

test('a task that fails keeps its files, too', async () => {
  expect(await worker.run1({ shell: 'echo x >/output/x; exit 4' })).toMatchObject({ exitCode: 4, artifacts: ['x'] });
});

test('a user of the image’s own can write', async () => {
  expect(await worker.run1({ shell: 'umask 077; echo x >/output/x', spec: { user: '4321' } })).toMatchObject({
    reason: 'exit_zero',
    artifacts: ['x'],
  });
});

test('links lead nowhere, and nothing but regular files is taken', async () => {
  const secret = path.join(worker.dataDirectory, 'identity', 'identity.json');
  const shell = [
    `ln -s ${secret} /output/stolen`,
    'ln -s /etc /output/etc',
    'ln -s ../../../../.. /output/up',
    'mkfifo /output/pipe',
    'mkdir /output/real && echo good >/output/real/good',
    'ln -s real /output/alias',
    'ln /output/real/good /output/hard',
  ].join('; ');
  const { artifacts, message, key } = await worker.run1({ shell });
  expect([...artifacts].sort()).toEqual(['hard', 'real/good']);
  expect(message).toMatch(/not kept from \/output: .*symbolic links: .*pipes: pipe/);
  const received = worker.master.artifacts.get(`${key.taskId}.1`) ?? [];
  expect(received.every(({ data }) => data.toString() === 'good\n')).toBe(true);
});

test('names that are not plain text are left out and said', async () => {
  const { artifacts, message } = await worker.run1({
    shell: 'cd /output; echo 1 >ok; echo 2 >"$(printf \'a\\nb\')"; echo 3 >"ü ok"',
  });
  expect([...artifacts].sort()).toEqual(['ok', 'ü ok']);
  expect(message).toContain('names that are not plain text: "a\\nb"');
});

test('more bytes than storage was asked for: a success becomes output_error, what fits is kept', async () => {
  const shell = 'head -c 600000 /dev/zero >/output/a; head -c 600000 /dev/zero >/output/b';
  const { reason, artifacts, message } = await worker.run1({ shell, storageBytes: 1_000_000 });
  expect(reason).toBe('output_error');
  expect(artifacts).toHaveLength(1);
  expect(message).toContain('more than 1000000 bytes in all');
});

test('more files than are taken', async () => {
  const shell = 'cd /output; i=0; while [ $i -lt 10020 ]; do : >f$i; i=$((i+1)); done';
  const { reason, artifacts, message } = await worker.run1({ shell, cpuMillis: 2_000 });
  expect(reason).toBe('output_error');
  expect(artifacts).toHaveLength(10_000);
  expect(message).toContain('more than 10000 files');
});

test('tasks do not see each other’s directories, and others on the machine do not see any', async () => {
  const key = worker.assign({ shell: 'echo secret >/output/x; ls -la /output; sleep 2' });
  await worker.master.running(key);
  const root = path.join(worker.dataDirectory, 'outputs');
  expect(fs.statSync(root).mode & 0o777).toBe(0o700);
  expect(fs.statSync(path.join(root, `${key.taskId}.1`)).mode & 0o7777).toBe(0o1777);
  const { stdout } = await worker.outcome(key);
  expect(stdout.trim().split('\n')).toHaveLength(4);
});
