// What is wrong is refused with a sentence that helps, and leaves nothing behind.
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ApiError, type TaskSubmission } from '@cloudai/sdk';
import { afterEach, describe, expect, test } from 'vitest';
import { checkNothingAllocated } from './checks.ts';
import { CLOUDAI, Cluster, IMAGE } from './cluster.ts';
import { listen } from './ports.ts';
import { ManagedProcess } from './process.ts';
import { canMountTmpfs, Tmpfs } from './tmpfs.ts';
import { useCluster } from './use-cluster.ts';
import { until } from './wait.ts';

const cluster = useCluster({ workers: [{ cpu: 2 }] });
const SMALL = { cpu: 0.5, memory: '32Mi', storage: '64Mi' };

async function refusal(task: TaskSubmission): Promise<{ code: string; message: string }> {
  const before = await taskCount();
  const error = await cluster.client.submitTask(task).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiError)) throw new Error(`it was accepted, or failed in another way: ${error}`);
  expect(await taskCount(), 'nothing of it was stored').toBe(before);
  return { code: error.code, message: error.message };
}

async function taskCount(): Promise<number> {
  return Object.values((await cluster.client.getCluster()).tasks).reduce((sum, count) => sum + count, 0);
}

afterEach(async () => {
  await until(async () => (await cluster.containers()).length === 0, { what: 'every container to be removed' });
  await checkNothingAllocated(cluster.client);
});

describe('quantities', () => {
  test.each([
    ['cpu', 'NaN'],
    ['cpu', '-1'],
    ['cpu', '1e309'],
    ['cpu', 'Infinity'],
    ['cpu', '0x10'],
    ['cpu', ''],
    ['memory', '5QiB'],
    ['memory', 'NaN'],
    ['memory', '-1'],
    ['memory', '1e309'],
    ['storage', '12 parsecs'],
    ['gpu', '-0.5'],
  ])('%s of %j', async (resource, text) => {
    const { code, message } = await refusal({ image: IMAGE, resources: { [resource]: text } });
    expect(code).toBe('invalid_argument');
    expect(message.toLowerCase()).toContain(resource);
    expect(message, 'the value that was found').toContain(text);
  });

  test.each(['NaN', '-1', '1e309', '5QiB'])('%s on the command line', async (text) => {
    const { code, stderr } = await cluster.cli(['submit', `--memory=${text}`, IMAGE]);
    expect(code).toBe(2);
    expect(stderr).toContain(text);
    expect(stderr.toLowerCase()).toContain('memory');
  });

  test('a number that JSON can not write', async () => {
    const response = await fetch(`${cluster.url}/api/v1/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${cluster.token}`, 'content-type': 'application/json' },
      body: `{"image":"${IMAGE}","resources":{"cpu":1e309}}`,
    });
    expect(response.status).toBe(400);
    expect(JSON.stringify(await response.json())).toMatch(/cpu/i);
  });
});

describe('images and commands', () => {
  test('no image', async () => {
    const { code, message } = await refusal({ image: '' });
    expect(code).toBe('invalid_argument');
    expect(message).toMatch(/image/);
  });

  test.each(['UPPER/Case', 'two words', 'a:b:c:d', '../etc'])('image %j', async (image) => {
    const { code, message } = await refusal({ image });
    expect(code).toBe('invalid_argument');
    expect(message).toContain(image);
  });

  test('a command of more than a mebibyte', async () => {
    const { code, message } = await refusal({ image: IMAGE, command: 'x'.repeat(2 ** 20 + 1) });
    expect(['invalid_argument', 'payload_too_large']).toContain(code);
    expect(message).toMatch(/command|body|large|long/i);
  });

  test('a command just above the limit of one', async () => {
    const { code, message } = await refusal({ image: IMAGE, command: 'x'.repeat(131_073) });
    expect(code).toBe('invalid_argument');
    expect(message).toMatch(/command/);
  });

  test('an image that no registry has', async () => {
    const nobody = await listen('127.0.0.1');
    const { port } = nobody.address() as { port: number };
    nobody.close();
    const image = `127.0.0.1:${port}/nothing/here:1`;
    const { id } = await cluster.client.submitTask({ image, resources: SMALL });
    const { task } = await cluster.client.waitForTask(id);
    expect(task).toMatchObject({ state: 'failed', reason: 'image_error', exitCode: null });
    expect(task.message).toContain(image);
  });

  test('an unknown local image that must not be pulled', async () => {
    const { id } = await cluster.client.submitTask({ image: 'cloudai/no-such:local', pull: 'never', resources: SMALL });
    const { task } = await cluster.client.waitForTask(id);
    expect(task).toMatchObject({ state: 'failed', reason: 'image_error' });
    expect(task.message).toContain('cloudai/no-such:local');
  });

  test('`run` says so and ends with 125', async () => {
    const { code, stderr } = await cluster.cli(['run', '--pull', 'never', 'cloudai/no-such:local']);
    expect(code).toBe(125);
    expect(stderr).toContain('cloudai/no-such:local');
  });
});

describe('tasks', () => {
  test.each(['show', 'explain', 'cancel', 'retry', 'attempts'])('`task %s` of an unknown one', async (verb) => {
    const { code, stderr } = await cluster.cli(['task', verb, 'nosuchtask']);
    expect(code).toBe(3);
    expect(stderr).toContain('nosuchtask');
  });

  test('`logs` and `artifacts ls` of an unknown one', async () => {
    for (const args of [
      ['logs', 'nosuchtask'],
      ['artifacts', 'ls', 'nosuchtask'],
    ]) {
      const { code, stderr } = await cluster.cli(args);
      expect(code).toBe(3);
      expect(stderr).toContain('nosuchtask');
    }
  });

  test('a worker that does not exist', async () => {
    expect(await refusal({ image: IMAGE, worker: 'nobody', resources: SMALL })).toMatchObject({
      code: 'worker_unknown',
      message: expect.stringContaining('nobody'),
    });
  });

  test('a dependency that does not exist', async () => {
    expect(await refusal({ image: IMAGE, dependsOn: ['nosuchtask'] })).toMatchObject({
      code: 'dependency_unknown',
      message: expect.stringContaining('nosuchtask'),
    });
  });

  test('one bad task among many refuses the call whole', async () => {
    const before = await taskCount();
    const good = { image: IMAGE, resources: SMALL };
    const asked = cluster.client.submitJob({ tasks: [good, good, { image: IMAGE, resources: { cpu: 'many' } }] });
    await expect(asked).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('2') });
    expect(await taskCount()).toBe(before);
  });

  test('the same key with another body', async () => {
    const key = `key-${Date.now()}`;
    const task = { image: IMAGE, command: 'exit 0', resources: SMALL };
    const first = await cluster.client.submitTask(task, { idempotencyKey: key });
    const again = await cluster.client.submitTask(task, { idempotencyKey: key });
    expect(again.id).toBe(first.id);
    const other = cluster.client.submitTask({ ...task, command: 'exit 1' }, { idempotencyKey: key });
    await expect(other).rejects.toMatchObject({ code: 'idempotency_conflict' });
    await cluster.client.waitForTask(first.id);
  });
});

describe('identities', () => {
  test('no token, a wrong one, one of another shape', async () => {
    for (const token of ['', 'nonsense', `${cluster.token.slice(0, -4)}AAAA`]) {
      const { code, stderr } = await cluster.cli(['tasks', '--token', token], { env: { CLOUDAI_TOKEN: '' } });
      expect(code).toBe(77);
      expect(stderr).not.toContain(cluster.token);
    }
  });

  test('a worker id that exists', async () => {
    const { code, stderr } = await cluster.cli(['register', 'worker-1']);
    expect(code).toBe(4);
    expect(stderr).toContain('worker-1');
    expect(stderr).toContain('--renew');
  });

  test('a join token that nobody made', async () => {
    const { joinToken } = await cluster.client.registerWorker({ id: 'guest' });
    const { code, output } = await runWorker('forger', joinToken.replace(/.{6}$/, 'zzzzzz'));
    expect(code).not.toBe(0);
    expect(output).toContain('cloudai register guest --renew');
    await cluster.client.unregisterWorker('guest');
  });

  test('a join token that was used', async () => {
    const { joinToken } = await cluster.client.registerWorker({ id: 'once', renew: true });
    const first = startWorker(path.join(cluster.folder, 'once'), [
      '--join',
      joinToken,
      '--master',
      cluster.workerEndpoint,
    ]);
    await until(async () => (await cluster.client.getWorker('once')).state === 'active', { what: 'it to join' });
    const { code, output } = await runWorker('twice', joinToken);
    expect(code).not.toBe(0);
    expect(output).toContain('cloudai register once --renew');
    await first.stop();
    await cluster.client.unregisterWorker('once', { force: true });
  });

  test('a worker that nobody registered', async () => {
    const { joinToken } = await cluster.client.registerWorker({ id: 'known' });
    const { code, output } = await runWorker('stranger', joinToken.replace('.known.', '.stranger.'));
    expect(code).not.toBe(0);
    expect(output).toContain(
      'Worker stranger is not authorized. Admin must register it first using: register stranger',
    );
    await cluster.client.unregisterWorker('known');
  });

  test('a worker that was unregistered', async () => {
    const { joinToken } = await cluster.client.registerWorker({ id: 'former' });
    const args = ['--join', joinToken, '--master', cluster.workerEndpoint];
    const child = startWorker(path.join(cluster.folder, 'former'), args);
    await until(async () => (await cluster.client.getWorker('former')).state === 'active', { what: 'it to join' });
    await cluster.client.unregisterWorker('former');
    expect((await child.exited()).code).toBe(77);
    expect(child.tail()).toMatch(/unregistered/i);
    const again = startWorker(path.join(cluster.folder, 'former'), []);
    expect((await again.exited()).code).toBe(77);
    expect(again.tail()).toMatch(/unregistered.*register/is);
  });

  test('a second process with the identity of the first', async () => {
    const clone = path.join(cluster.folder, 'clone');
    fs.cpSync(path.join(cluster.folder, 'worker-1'), clone, { recursive: true });
    const second = startWorker(clone, []);
    // The later one wins, once; the earlier one is told and does not come back to fight for it.
    const first = cluster.worker('worker-1');
    expect((await first.exited()).code).toBe(77);
    expect(first.tail()).toMatch(/another process connected as worker worker-1.*an id of its own/i);
    const events = await cluster.client.listEvents({ worker: 'worker-1' }).take(100);
    expect(events.filter(({ kind }) => kind === 'worker_duplicate')).toHaveLength(1);
    await second.kill9();
    await cluster.startWorker('worker-1');
    const { id } = await cluster.client.submitTask({ image: IMAGE, command: 'exit 0', resources: SMALL });
    expect((await cluster.client.waitForTask(id)).task.state).toBe('completed');
  });
});

describe('machines', () => {
  test('a port that is taken', async () => {
    const holder = await listen('127.0.0.1');
    const { port } = holder.address() as { port: number };
    const other = new Cluster({ workers: [] });
    try {
      await other.run('init', '--data', other.masterFolder);
      const { code, stderr } = await other.cli([
        'master',
        '--data',
        other.masterFolder,
        '--listen',
        `127.0.0.1:${port}`,
      ]);
      expect(code).toBe(69);
      expect(stderr).toContain(String(port));
    } finally {
      holder.close();
      await other.close();
    }
  });

  test('two masters on one data directory', async () => {
    const { code, stderr } = await cluster.cli(['master', '--data', cluster.masterFolder, '--listen', '127.0.0.1:0']);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/in use|locked|another|runs already/i);
    await cluster.client.getVersion();
  });

  test('a worker without Docker takes no tasks and says why, until there is one', async () => {
    const socket = path.join(cluster.folder, 'late.sock');
    const other = new Cluster({ dockerHost: `unix://${socket}` });
    try {
      await other.start();
      expect((await other.client.getWorker('worker-1')).unhealthy).toMatch(/docker/i);
      const { id } = await other.client.submitTask({ image: IMAGE, command: 'exit 0', resources: SMALL });
      expect((await other.client.explainTask(id)).summary).toMatch(/docker/i);
      fs.symlinkSync(cluster.docker.host.slice('unix://'.length), socket);
      expect((await other.client.waitForTask(id)).task).toMatchObject({ state: 'completed', attempt: 1 });
      expect((await other.client.getWorker('worker-1')).unhealthy).toBeNull();
    } finally {
      await other.close();
    }
  });

  test('a store of a newer version', async () => {
    const other = new Cluster({ workers: [] });
    try {
      await other.start();
      await other.master.stop();
      const file = path.join(other.masterFolder, 'cloudai.db');
      const database = new DatabaseSync(file);
      const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
      database.exec(`PRAGMA user_version = ${version + 1}`);
      database.close();
      const before = fs.readFileSync(file);
      const { code, stderr } = await other.cli(['master', '--data', other.masterFolder]);
      expect(code).not.toBe(0);
      expect(stderr).toContain(file);
      expect(stderr).toMatch(/newer/);
      expect(fs.readFileSync(file).equals(before), 'the file was left alone').toBe(true);
    } finally {
      await other.close();
    }
  });

  test.skipIf(!canMountTmpfs())(
    'a full disk refuses submits, lets the rest go on, and is over when there is room',
    async () => {
      const disk = new Tmpfs(256);
      const other = new Cluster({ masterFolder: disk.folder });
      try {
        await other.start();
        const running = await other.client.submitTask({ image: IMAGE, command: 'sleep 2; exit 4', resources: SMALL });
        await until(
          () => fs.readdirSync(disk.folder, { recursive: true }).some((name) => String(name).endsWith('-reserve')),
          {
            what: 'the reserve to be set aside',
          },
        );
        disk.fill();
        const patient = other.clientWith({ retries: 0 });
        // Large, so that the store needs new room soon; too large for any worker, so that none of them runs.
        // Each differs from the others, because equal specs are kept once.
        let made = 0;
        const padded = () => ({
          image: IMAGE,
          env: { PADDING: String(made++).padEnd(30_000, 'x') },
          resources: { cpu: 1000 },
        });
        const error = await until(
          () =>
            patient.submitJob({ tasks: Array.from({ length: 50 }, padded) }).then(
              () => undefined,
              (reason: unknown) => reason as ApiError,
            ),
          { what: 'a submit to be refused' },
        );
        expect(error).toMatchObject({ code: 'store_full', status: 503 });
        expect((await other.client.getCluster()).store.full).toBe(true);
        expect((await other.client.waitForTask(running.id)).task).toMatchObject({ state: 'failed', exitCode: 4 });
        disk.empty();
        const after = await until(() => patient.submitTask({ image: IMAGE, command: 'exit 0', resources: SMALL }), {
          what: 'a submit to be taken again',
          withinMs: 10_000,
        });
        expect((await other.client.waitForTask(after.id)).task.state).toBe('completed');
      } finally {
        disk.empty();
        await other.close();
        disk.close();
      }
    },
  );
});

function startWorker(folder: string, args: readonly string[]): ManagedProcess {
  return new ManagedProcess({
    name: path.basename(folder),
    command: CLOUDAI,
    args: ['worker', '--data', folder, ...args],
    env: cluster.env,
    logFile: `${folder}.log`,
  });
}

async function runWorker(name: string, joinToken: string): Promise<{ code: number | null; output: string }> {
  const child = startWorker(path.join(cluster.folder, name), ['--join', joinToken, '--master', cluster.workerEndpoint]);
  const { code } = await child.exited();
  return { code, output: child.tail() };
}
