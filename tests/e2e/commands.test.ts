// The command line as people and scripts use it: tables, JSON, ids, exit codes, prefixes.
import fs from 'node:fs';
import path from 'node:path';
import type { ExplanationView, TaskView } from '@cloudai/sdk';
import { describe, expect, test } from 'vitest';
import { CLOUDAI, IMAGE } from './cluster.ts';
import { ManagedProcess } from './process.ts';
import { useCluster } from './use-cluster.ts';
import { until } from './wait.ts';

const cluster = useCluster({ workers: [{ cpu: 2, memory: '2Gi' }] });
const SMALL = ['--cpu', '0.5', '--memory', '32Mi'];

async function submit(...args: string[]): Promise<string> {
  return (await cluster.run('submit', '-q', ...SMALL, ...args)).trim();
}

describe('run', () => {
  test('prints what the task prints, on the same streams, and ends with its exit code', async () => {
    const { code, stdout, stderr } = await cluster.cli([
      'run',
      ...SMALL,
      '-c',
      'echo out; echo err >&2; exit 42',
      IMAGE,
    ]);
    expect(code).toBe(42);
    expect(stdout).toBe('out\n');
    expect(stderr).toContain('err\n');
  });

  test('takes arguments after the image as they are', async () => {
    const { code, stdout } = await cluster.cli([
      'run',
      '-q',
      ...SMALL,
      IMAGE,
      'printf',
      '[%s]',
      'a b',
      '--cpu',
      '$HOME',
    ]);
    expect(code).toBe(0);
    expect(stdout).toBe('[a b][--cpu][$HOME]');
  });

  test('hands over environment, folder and name', async () => {
    const { stdout } = await cluster.cli([
      'run',
      '-q',
      ...SMALL,
      '-e',
      'GREETING=hello world',
      '-w',
      '/tmp',
      '-c',
      'pwd; echo $GREETING',
      IMAGE,
    ]);
    expect(stdout).toBe('/tmp\nhello world\n');
  });

  test('ends with 124 when the time is over', async () => {
    expect(
      (await cluster.cli(['run', ...SMALL, '--timeout', '1s', '--stop-grace', '1s', IMAGE, 'sleep', '60'])).code,
    ).toBe(124);
  });

  test('cancels its task on Ctrl-C', async () => {
    const child = new ManagedProcess({
      name: 'run',
      command: CLOUDAI,
      args: ['run', ...SMALL, '--name', 'interrupted', '-c', 'echo begun; sleep 60', IMAGE],
      env: cluster.env,
      logFile: path.join(cluster.folder, 'run.log'),
    });
    await until(() => child.tail().includes('begun'), { what: 'the first line' });
    child.signal('SIGINT');
    expect((await child.exited()).code).toBe(130);
    const [task] = await cluster.client.listTasks({ name: 'interrupted' }).take(1);
    expect(task).toMatchObject({ state: 'cancelled', reason: 'cancelled_by_user' });
  });
});

describe('submit', () => {
  test('one task from flags', async () => {
    const id = await submit('--name', 'flags', '--priority', '70', '-l', 'team=blue', IMAGE, 'true');
    const { task, spec } = await cluster.client.waitForTask(id);
    expect(task).toMatchObject({ name: 'flags', priority: 70, labels: { team: 'blue' }, state: 'completed' });
    expect(spec).toMatchObject({ command: { kind: 'exec', args: ['true'] } });
  });

  test('many from a file, in YAML and in JSON, and from standard input', async () => {
    const yaml = path.join(cluster.folder, 'tasks.yaml');
    const json = path.join(cluster.folder, 'tasks.json');
    const small = { resources: { cpu: 0.25, memory: '16Mi' } };
    fs.writeFileSync(
      yaml,
      `name: sweep\ntasks:\n${[1, 2, 3].map((n) => `  - image: ${IMAGE}\n    command: exit ${n - 1}\n    resources: { cpu: 0.25, memory: 16Mi }\n`).join('')}`,
    );
    fs.writeFileSync(json, JSON.stringify([{ image: IMAGE, command: 'exit 0', ...small }]));
    const ids = (await cluster.run('submit', '-q', '-f', yaml)).trim().split('\n');
    const tasks = await Promise.all(ids.map((id) => cluster.client.waitForTask(id)));
    expect(tasks.map(({ task }) => task.exitCode)).toEqual([0, 1, 2]);
    expect(new Set(tasks.map(({ task }) => task.jobId)).size).toBe(1);
    const fromJson = (await cluster.run('submit', '-q', '-f', json)).trim();
    const { stdout } = await cluster.cli(['submit', '-q', '-'], { input: fs.readFileSync(json, 'utf8') });
    expect(stdout.trim()).not.toBe(fromJson);
    for (const id of [fromJson, stdout.trim()])
      expect((await cluster.client.waitForTask(id)).task.state).toBe('completed');
  });
});

describe('looking', () => {
  test('tasks as a table, as JSON and as ids', async () => {
    const id = await submit('--name', 'looked-at', IMAGE, 'true');
    await cluster.client.waitForTask(id);
    const table = await cluster.run('tasks', '--name', 'looked-at');
    expect(table).toMatch(new RegExp(`${id.slice(0, 6)}.*completed`));
    const { items } = JSON.parse(await cluster.run('tasks', '--name', 'looked-at', '--json')) as { items: TaskView[] };
    expect(items.map((task) => task.id)).toEqual([id]);
    expect((await cluster.run('tasks', '--name', 'looked-at', '-q')).trim()).toBe(id);
  });

  test('a prefix of an id is enough as long as it fits one task', async () => {
    const id = await submit(IMAGE, 'true');
    await cluster.client.waitForTask(id);
    const shown = JSON.parse(await cluster.run('task', 'show', id.slice(0, 10), '--json')) as { task: TaskView };
    expect(shown.task.id).toBe(id);
    for (let more = 0; more < 33; more++)
      await cluster.client.submitTask({ image: IMAGE, startAfter: '2100-01-01T00:00:00Z' });
    // 33 further ids over 32 letters: two of them begin alike.
    const all = await cluster.client.listTasks().take(1000);
    const letters = all.map((task) => task.id.slice(0, 1));
    const twice = letters.find((letter, index) => letters.indexOf(letter) !== index)!;
    const { code, stderr } = await cluster.cli(['task', 'show', twice]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/several|more characters/i);
  });

  test('explain says why a task waits and what would change it', async () => {
    const id = (await cluster.run('submit', '-q', '--cpu', '3', IMAGE, 'true')).trim();
    const text = await cluster.run('task', 'explain', id);
    expect(text).toContain('Insufficient CPU: worker has 2.00 available, task requires 3.00');
    const json = JSON.parse(await cluster.run('task', 'explain', id, '--json')) as ExplanationView;
    expect(json).toMatchObject({ taskId: id, couldEverFit: false });
    await cluster.run('cancel', id);
    expect((await cluster.client.getTask(id)).task.state).toBe('cancelled');
  });

  test('logs of the past, and following to the end', async () => {
    const id = await submit('-c', 'for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done', IMAGE);
    const followed = await cluster.run('logs', '-f', id);
    expect(followed).toBe('line 1\nline 2\nline 3\nline 4\nline 5\n');
    expect(await cluster.run('logs', id)).toBe(followed);
    expect(await cluster.run('logs', '--tail', '2', id)).toBe('line 4\nline 5\n');
    expect(await cluster.run('logs', '--grep', 'line 3', id)).toBe('line 3\n');
  });

  test('workers, one worker, the queue, the status', async () => {
    expect(await cluster.run('workers')).toMatch(/worker-1.*active/);
    expect(await cluster.run('worker', 'show', 'worker-1')).toMatch(/2(\.0+)?/);
    expect(await cluster.run('stats', 'worker-1')).toMatch(/CPU/);
    expect(JSON.parse(await cluster.run('queue', '--json'))).toHaveProperty('total');
    expect(JSON.parse(await cluster.run('status', '--json'))).toMatchObject({ clusterId: cluster.clusterId });
    expect(await cluster.run('version')).toMatch(/\d+\.\d+\.\d+/);
  });
});

describe('artifacts', () => {
  test('files left in /output outlive the container, with size and digest', async () => {
    const id = await submit(
      '-c',
      'mkdir -p /output/sub; echo "{}" > /output/result.json; head -c 300000 /dev/urandom > /output/sub/data.bin; sha256sum < /output/sub/data.bin',
      IMAGE,
    );
    await cluster.client.waitForTask(id);
    const digest = (await cluster.run('logs', id)).slice(0, 64);
    const listed = await cluster.client.listArtifacts(id).take(10);
    expect(listed.map(({ path, sizeBytes }) => [path, sizeBytes]).sort()).toEqual([
      ['result.json', 3],
      ['sub/data.bin', 300_000],
    ]);
    expect(listed.find((file) => file.path === 'sub/data.bin')!.digest).toBe(`sha256:${digest}`);
    expect(await cluster.run('artifacts', 'ls', id)).toContain('sub/data.bin');
    const folder = path.join(cluster.folder, 'artifacts');
    await cluster.run('artifacts', 'get', id, '-o', folder);
    expect(fs.readFileSync(path.join(folder, 'result.json'), 'utf8')).toBe('{}\n');
    expect(fs.statSync(path.join(folder, 'sub/data.bin')).size).toBe(300_000);
  });
});

describe('retry', () => {
  test('runs an ended task again as a new one', async () => {
    const id = await submit('-c', 'exit 3', IMAGE);
    await cluster.client.waitForTask(id);
    const again = (await cluster.run('task', 'retry', '-q', id)).trim();
    expect(again).not.toBe(id);
    expect((await cluster.client.waitForTask(again)).task).toMatchObject({ retryOf: id, exitCode: 3 });
  });
});
