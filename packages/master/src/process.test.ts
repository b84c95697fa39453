import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '@cloudai/store';
import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { runMaster } from './process.ts';
import { FakeWorker } from './testing/fake-worker.ts';
import { ScriptedWorker } from './testing/scripted-worker.ts';
import { eventually, TestMaster } from './testing/test-master.ts';
import { Unavailable } from './unavailable.ts';

// Whole masters start here, and the machine may be busy with other things.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let master: TestMaster | undefined;
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await master?.close();
  master = undefined;
});

const quiet = { version: '0', reserveBytes: 0, log: pino({ level: 'silent' }) } as const;
const anyPorts = { workers: { port: 0 }, rest: { port: 0 } } as const;

describe('starting', () => {
  test('without a cluster says how to make one, and makes none', async () => {
    const dataDir = '/tmp/cloudai-there-is-nothing-here';
    await expect(runMaster({ ...quiet, ...anyPorts, dataDir })).rejects.toMatchObject({
      code: 'not_initialised',
      message: `${dataDir} holds no cluster; make one with: cloudai init --data ${dataDir}`,
    });
  });

  test('twice on the same data is refused, and the first is not disturbed', async () => {
    master = await TestMaster.start();
    const second = runMaster({ ...quiet, ...anyPorts, dataDir: master.directory });
    await expect(second).rejects.toMatchObject({ code: 'store_locked' });
    await master.submitTask();
  });

  test.each(['users', 'workers'] as const)(
    'with the port for %s taken names it, and lets go of the store',
    async (whom) => {
      master = await TestMaster.start();
      await master.handle.stop();
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as AddressInfo;
      const options = {
        ...quiet,
        ...anyPorts,
        dataDir: master.directory,
        [whom === 'users' ? 'rest' : 'workers']: { port },
      };
      await expect(runMaster(options)).rejects.toMatchObject({
        code: 'port_taken',
        message: expect.stringContaining(`127.0.0.1:${port}, the address for ${whom}, is taken`),
      });
      other.close();
      await master.restart();
    },
  );

  test("on an address that is not this machine's says so", async () => {
    master = await TestMaster.start();
    await master.handle.stop();
    const start = runMaster({
      ...quiet,
      ...anyPorts,
      dataDir: master.directory,
      workers: { host: '192.0.2.1', port: 0 },
    });
    await expect(start).rejects.toMatchObject({ code: 'address_unavailable' });
    await master.restart();
  });

  test('with the store of another cluster is refused', async () => {
    master = await TestMaster.start();
    await master.handle.stop();
    const file = path.join(master.directory, 'cluster.json');
    const content = await readFile(file, 'utf8');
    await writeFile(file, content.replace(master.handle.clusterId, 'anothercluster23'));
    await expect(runMaster({ ...quiet, ...anyPorts, dataDir: master.directory })).rejects.toMatchObject({
      code: 'foreign_store',
    });
    await writeFile(file, content);
    await master.restart();
  });

  test('takes the next epoch, and finds everything as it was', async () => {
    master = await TestMaster.start();
    const { epoch } = master.handle;
    const ids = await Promise.all(Array.from({ length: 20 }, () => master!.submitTask()));
    await master.restart();
    expect(master.handle.epoch).toBe(epoch + 1);
    for (const id of ids) expect(master.task(id)?.state).toBe('queued');
  });

  test('beyond loopback users are served with TLS only, with a certificate of the cluster', async () => {
    master = await TestMaster.start({ rest: { host: '0.0.0.0', port: 0, hosts: ['master.example'] } });
    expect(master.handle.restUrl).toMatch(/^https:\/\//);
  });
});

test('the store is audited after the start, and what is found is told', { timeout: 60_000 }, async () => {
  master = await TestMaster.start({ auditAfterMs: 0 });
  await master.submitTask();
  await expect.poll(() => master!.handle.context.storeAudit().state, { timeout: 30_000 }).toBe('sound');
  await master.handle.stop();
  const db = new DatabaseSync(path.join(master.directory, 'cloudai.db'));
  db.exec("UPDATE task SET state = 'failed'");
  db.close();
  await master.restart();
  await expect.poll(() => master!.handle.context.storeAudit().state, { timeout: 30_000 }).toBe('findings');
  expect(master.handle.context.storeAudit().findings).toBeGreaterThan(0);
});

describe('failing', () => {
  test('a store that fails ends the process at once, with a reason and without a second try', async () => {
    master = await TestMaster.start();
    const { context } = master.handle;
    let commits = 0;
    context.store.commit = () => {
      commits += 1;
      return Promise.reject(new StoreError('store_io', 'cloudai.db: fsync: input/output error'));
    };
    const started = performance.now();
    await expect(master.submitTask()).rejects.toThrow(Unavailable);
    const end = await master.handle.stopped;
    expect(end).toEqual({ exitCode: 74, reason: 'the disk failed: cloudai.db: fsync: input/output error' });
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(commits).toBe(1);
  });

  test('a master that another one has replaced ends, and writes nothing', async () => {
    master = await TestMaster.start();
    master.handle.context.store.commit = () => Promise.reject(new StoreError('stale_epoch', 'epoch 2 is not 3'));
    await expect(master.submitTask()).rejects.toThrow(Unavailable);
    expect(await master.handle.stopped).toMatchObject({ exitCode: 75 });
  });

  test('a broken invariant ends the process with its own words', async () => {
    master = await TestMaster.start();
    master.engine.apply = () => {
      throw new Error('allocated 9 of 8');
    };
    await expect(master.submitTask()).rejects.toThrow(Unavailable);
    expect(await master.handle.stopped).toMatchObject({
      exitCode: 70,
      reason: expect.stringContaining('allocated 9 of 8'),
    });
  });

  test('a full disk refuses what is new, sends workers round again, and ends by itself', async () => {
    master = await TestMaster.start();
    const worker = await master.join('w1');
    const session = await worker.connect();
    const kept = await master.submitTask();
    await session.next('assign');
    const { store } = master.handle.context;
    const commit = store.commit.bind(store);
    store.commit = () => Promise.reject(new StoreError('store_full', 'no space left on device'));
    await expect(master.submitTask()).rejects.toMatchObject({ code: 'store_full' });
    expect(await session.next('refused')).toMatchObject({ code: 'unavailable', retry: true });
    await expect(master.submit({ kind: 'cancelTask', taskId: kept, by: 'admin', message: null })).rejects.toMatchObject(
      { code: 'unavailable' },
    );
    store.commit = commit;
    await eventually(
      'it takes tasks again',
      async () => (await master!.submitTask().catch(() => null)) !== null,
      5_000,
    );
    expect(master.task(kept)?.state).toBe('assigned');
    worker.disconnect();
    const again = await worker.connect();
    expect((await again.next('assign')).key?.taskId).toBe(kept);
    worker.disconnect();
  });
});

describe('a process of its own', () => {
  async function serve(
    dataDir: string,
    options: object = {},
  ): Promise<{ child: ChildProcess; line: string; rest: string; workers: string }> {
    const script = path.join(import.meta.dirname, 'testing', 'serve.ts');
    const child = spawn(process.execPath, [script, dataDir, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const line = await new Promise<string>((resolve) =>
      createInterface({ input: child.stdout! }).once('line', resolve),
    );
    return { child, line, rest: /users (\S+),/.exec(line)![1]!, workers: /workers (\S+),/.exec(line)![1]! };
  }

  const exit = (child: ChildProcess) =>
    new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));

  test('what was acknowledged is there after kill -9, at whatever moment', { timeout: 60_000 }, async () => {
    master = await TestMaster.start();
    await master.handle.stop();
    const { directory } = master;
    const { token } = parse(await readFile(path.join(directory, 'admin.yaml'), 'utf8')) as { token: string };
    const acknowledged: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const { child, rest } = await serve(directory);
      const submit = async (): Promise<void> => {
        const answer = await fetch(`${rest}/api/v1/tasks`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ image: 'busybox:1' }),
        });
        if (answer.ok) acknowledged.push(((await answer.json()) as { id: string }).id);
      };
      const clients = Array.from({ length: 8 }, async () => {
        for (;;) await submit();
      });
      setTimeout(() => child.kill('SIGKILL'), 150 + round * 70);
      await Promise.allSettled(clients);
    }
    expect(acknowledged.length).toBeGreaterThan(20);
    await master.restart();
    for (const id of acknowledged) expect(master.task(id)?.id).toBe(id);
    master.engine.check();
    expect(await master.handle.context.store.fsck()).toEqual([]);
  });

  test('a master that stood still for longer than a worker may be silent blames nobody', {
    timeout: 60_000,
  }, async () => {
    master = await TestMaster.start();
    const worker = await master.join('w1');
    const taskId = await master.submitTask();
    await master.handle.stop();
    const engine = { suspectMs: 700, lostMs: 1_500, startGraceMs: 0 };
    const { child, workers } = await serve(master.directory, { engine, sessions: { heartbeatMs: 200, leaseMs: 400 } });
    const life = new ScriptedWorker(new FakeWorker(workers, worker.identity), { play: () => ({ runMs: 60_000 }) });
    life.start();
    await eventually('the task runs', () => [...life.plays.values()].some((play) => play.state === 'running'), 20_000);
    for (let i = 0; i < 2; i += 1) {
      child.kill('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      child.kill('SIGCONT');
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
    expect(life.sessions).toBe(1);
    await life.stop();
    const ended = exit(child);
    child.kill('SIGTERM');
    await ended;
    await master.restart();
    const kinds = (await master.handle.context.store.events({ namespaces: 'all' }, 0, 1_000)).map(
      (event) => event.kind,
    );
    expect(
      kinds.filter((kind) => ['worker_suspect', 'worker_lost', 'attempt_unknown', 'attempt_lost'].includes(kind)),
    ).toEqual([]);
    expect(master.attempt(taskId)).toMatchObject({ number: 1, state: 'running' });
  });

  test('says when it is ready, and ends in order on SIGTERM', { timeout: 30_000 }, async () => {
    master = await TestMaster.start();
    await master.handle.stop();
    const { child, line } = await serve(master.directory);
    expect(line).toMatch(
      /^cloudai master ready: users http:\/\/127\.0\.0\.1:\d+, workers 127\.0\.0\.1:\d+, cluster \w+, epoch \d+$/,
    );
    const ended = exit(child);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    await master.restart();
  });
});
