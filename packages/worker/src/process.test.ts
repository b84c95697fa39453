/** The whole worker over the real protocol and TLS, with scripted containers and a master that does as it is told. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from './clock.ts';
import { runWorker } from './process.ts';
import { parseProgram, ScriptedRuntime, scriptedLine } from './runtimes/scripted/index.ts';
import { assignment } from './testing/assignment.ts';
import { FakeMaster } from './testing/fake-master.ts';
import { silent, WorkerHarness } from './testing/worker.ts';

// Real time and real connections: on a busy machine everything takes longer.
vi.setConfig({ testTimeout: 30_000 });

let harness: WorkerHarness;
let tasks = 0;

beforeEach(async () => {
  harness = await WorkerHarness.start({ heartbeatMs: 200, leaseMs: 5_000 });
});
afterEach(() => harness.close());

const newKey = () => {
  tasks += 1;
  return { taskId: `task${tasks}`, attempt: 1 };
};
const REVOKED = { code: 'worker_revoked', message: 'worker-1 was unregistered', retry: false };
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function expectedLog(image: string): Buffer {
  const program = parseProgram(image)!;
  return Buffer.concat(Array.from({ length: program.lines }, (_, line) => scriptedLine(program, line)));
}

describe('joining', () => {
  test('a token is exchanged for an identity that only its owner can read, and is used from then on', async () => {
    await harness.run();
    await harness.master.connected();
    const file = path.join(harness.dataDirectory, 'identity', 'identity.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      workerId: 'worker-1',
      clusterId: 'testcluster01',
    });
    await harness.worker.stop();
    await harness.run({ join: undefined });
    await harness.master.until(() => harness.master.sessions.length === 2 && harness.master.session.isOpen);
  });

  test('a master that does not hold the root named in the token learns nothing', async () => {
    const impostor = await FakeMaster.start();
    const token = harness.master.register('worker-1');
    await expect(
      runWorker({ master: impostor.address, join: token, dataDirectory: harness.dataDirectory, log: silent }),
    ).rejects.toThrow('is not the master that made this join token');
    expect(impostor.sessions).toHaveLength(0);
    await impostor.stop();
  });

  test('a used token is refused with the words of the master', async () => {
    const token = harness.master.register('worker-1');
    harness.master.secrets.clear();
    await expect(harness.run({ join: token })).rejects.toThrow(
      'the master did not let this worker join: the join token was used or is not valid',
    );
  });

  test('without identity and token the message says how to get one', async () => {
    await expect(harness.run({ join: undefined })).rejects.toThrow('pass the token with --join');
  });

  test('a data directory serves one worker process at a time', async () => {
    await harness.run();
    await expect(harness.run()).rejects.toThrow('is in use');
  });

  test('what keeps it from starting ends it, and it holds on to nothing', async () => {
    const runtime = new ScriptedRuntime(harness.machine);
    const closed = vi.spyOn(runtime, 'close');
    const worker = await runWorker({
      master: harness.master.address,
      dataDirectory: harness.dataDirectory,
      log: silent,
      join: harness.master.register('worker-1'),
      openRuntime: async () => runtime,
      metrics: { listen: '0.0.0.0:9101', token: null },
    });
    await expect(worker.ended).rejects.toThrow('set worker.metricsToken');
    expect(closed).toHaveBeenCalledOnce();
  });

  test('the certificate is renewed in the later half of its life and shown at once', async () => {
    const short = await WorkerHarness.start({ heartbeatMs: 60, certificateMs: 1_500 });
    await short.run({ random: () => 0 });
    await short.master.until(() => short.master.renewals === 1, 5_000);
    await short.master.until(() => short.master.sessions.length === 2 && short.master.session.isOpen);
    expect(short.master.sessions[0]?.goodbye).toBe('renewed the certificate');
    await short.close();
  });

  test('a clock that is a day ahead costs one renewal, not one after the other', async () => {
    const ahead: Clock = {
      now: () => systemClock.now(),
      wallNow: () => systemClock.wallNow() + 2 * 86_400_000,
      after: (delayMs, callback) => systemClock.after(delayMs, callback),
    };
    await harness.run({ clock: ahead });
    await harness.master.until(() => harness.master.sessions.length === 2 && harness.master.session.isOpen);
    await sleep(1_000);
    expect([harness.master.renewals, harness.master.sessions.length]).toEqual([1, 2]);
  });
});

describe('a session', () => {
  test('hello says what the machine has', async () => {
    await harness.run({
      version: '1.2.3',
      capacity: { cpuMillis: 3_000, memoryBytes: 2 ** 30, storageBytes: 2 ** 31, gpus: 2, custom: { licence: 4 } },
      labels: { zone: 'a' },
    });
    const { hello } = await harness.master.connected();
    expect(hello).toMatchObject({
      workerId: 'worker-1',
      version: '1.2.3',
      capacity: {
        cpuMillis: 3_000n,
        memoryBytes: 2n ** 30n,
        storageBytes: 2n ** 31n,
        gpuMillis: 2_000n,
        custom: { licence: 4n },
      },
      unhealthy: '',
      found: [],
    });
    expect(hello?.labels).toMatchObject({ zone: 'a', os: process.platform, arch: process.arch });
    expect(hello?.gpus).toHaveLength(2);
  });

  test('heartbeats come with growing numbers and the use of the machine', async () => {
    await harness.run();
    const session = await harness.master.connected();
    await harness.master.until(() => session.heartbeats.length >= 4);
    expect(session.heartbeats.slice(0, 4).map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n, 4n]);
    const usage = session.heartbeats.at(-1)?.usage;
    expect(usage?.memoryBytes).toBeGreaterThan(0n);
    expect(usage?.cpu).toBeLessThanOrEqual(1);
  });

  test('a master that acknowledges nothing is left after three intervals, and found again', async () => {
    await harness.run();
    const session = await harness.master.connected();
    harness.master.behaviour.acknowledgeHeartbeats = false;
    await harness.master.until(() => harness.master.sessions.length === 2, 5_000);
    expect(session.isOpen).toBe(false);
    harness.master.behaviour.acknowledgeHeartbeats = true;
    await harness.master.connected();
  });

  test('refused for good: the worker ends with the master’s words and code 77, its containers stay', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:sleep=60000' }));
    await harness.master.running(key);
    const message = 'another certificate is in force';
    session.send({ case: 'refused', value: { code: 'certificate_superseded', message, retry: false } });
    expect(await harness.worker.ended).toEqual({ exitCode: 77, message });
    expect(harness.machine.containers.size).toBe(1);
  });

  test('unregistered: what runs is stopped and removed before the worker ends', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const [obedient, stubborn] = [newKey(), newKey()];
    session.send(assignment(obedient, { image: 'scripted:sleep=60000' }));
    session.send(assignment(stubborn, { image: 'scripted:sleep=60000,ignore-stop', spec: { stopGraceMs: 200n } }));
    await harness.master.running(obedient);
    await harness.master.running(stubborn);
    session.send({ case: 'refused', value: REVOKED });
    expect(await harness.worker.ended).toEqual({ exitCode: 77, message: REVOKED.message });
    expect(harness.machine.containers.size).toBe(0);
  });

  test('unregistered while out of reach: what a new process of the worker finds is removed, too', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:sleep=60000' }));
    await harness.master.running(key);
    await harness.worker.stop();
    harness.master.behaviour.refuse = REVOKED;
    await harness.run({ join: undefined });
    expect((await harness.worker.ended).exitCode).toBe(77);
    expect(harness.machine.containers.size).toBe(0);
  });

  test('a master of an epoch that is over is not listened to', async () => {
    harness.master.behaviour.epoch = 5n;
    await harness.run();
    const { heartbeats } = await harness.master.connected();
    await harness.master.until(() => heartbeats.length > 0);
    harness.master.behaviour.epoch = 4n;
    harness.master.cut();
    await harness.master.until(() => harness.master.sessions.length >= 3);
    expect(harness.master.sessions.slice(1).flatMap((session) => session.heartbeats)).toEqual([]);
    harness.master.behaviour.epoch = 6n;
    await harness.master.until(() => harness.master.sessions.at(-1)?.heartbeats.length);
  });

  test('refused for now: it comes back', async () => {
    harness.master.behaviour.refuse = { code: 'duplicate_identity', message: 'another one is connected', retry: true };
    await harness.run();
    await harness.master.until(() => harness.master.sessions.length >= 2, 5_000);
    harness.master.behaviour.refuse = null;
    await harness.master.connected();
  });

  test('the runtime is down: said in hello and heartbeats, and taken back when it is up', async () => {
    harness.machine.isDown = true;
    await harness.run();
    const session = await harness.master.connected();
    expect(session.hello?.unhealthy).toBe('the scripted machine is down');
    harness.machine.isDown = false;
    await harness.master.until(() => session.heartbeats.at(-1)?.unhealthy === '');
  });

  test('a stop says goodbye and leaves the containers alone', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:sleep=60000' }));
    await harness.master.running(key);
    expect(await harness.worker.stop('shutting down')).toEqual({ exitCode: 0, message: null });
    expect(session.goodbye).toBe('shutting down');
    expect(harness.machine.containers.size).toBe(1);
  });
});

describe('an attempt', () => {
  test('is told from start to end, its log and files arrive first, then it is removed', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    const image = 'scripted:sleep=30,exit=3,lines=100,errors=7,files=2';
    session.send(assignment(key, { image }));
    const ended = await harness.master.ended(key);
    expect(harness.master.phasesOf(key).map((phase) => phase.case)).toEqual(['starting', 'running', 'ended']);
    const { stdout, stderr, ended: streams } = harness.master.log(key);
    expect(stdout).toEqual(expectedLog(image));
    expect(streams.size).toBe(2);
    expect(ended).toMatchObject({
      reason: 'exit_nonzero',
      exitCode: 3,
      stdoutBytes: BigInt(stdout.length),
      stderrBytes: BigInt(stderr.length),
      droppedLogBytes: 0n,
    });
    expect(ended.artifacts.map(({ path: name }) => name)).toEqual(['file-0', 'file-1']);
    expect(harness.master.artifacts.get(`${key.taskId}.1`)).toHaveLength(2);
    await harness.master.until(() => harness.machine.containers.size === 0);
  });

  test.each([
    ['scripted:image-error', 'image_error', undefined],
    ['scripted:start-error', 'start_error', undefined],
    ['scripted:command-error', 'command_error', 127],
    ['scripted:oom', 'oom', 137],
    ['scripted:external', 'external', undefined],
    ['scripted:daemon-restart', 'daemon_restart', undefined],
    ['not-scripted', 'image_error', undefined],
  ])('%s ends as %s', async (image, reason, exitCode) => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    session.send(assignment(key, { image }));
    const ended = await harness.master.ended(key);
    expect([ended.reason, ended.exitCode]).toEqual([reason, exitCode]);
    await harness.master.until(() => harness.machine.containers.size === 0);
  });

  test('a cancel ends it with the reason that came with it', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:sleep=60000' }));
    await harness.master.running(key);
    session.send({ case: 'cancel', value: { key, reason: 'preempted', graceMs: 100n } });
    expect(await harness.master.ended(key)).toMatchObject({ reason: 'preempted', exitCode: 143 });
  });

  test('a time limit is kept', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    session.send(
      assignment(key, { image: 'scripted:sleep=60000,ignore-stop', spec: { timeoutMs: 80n, stopGraceMs: 40n } }),
    );
    expect(await harness.master.ended(key)).toMatchObject({ reason: 'timeout', exitCode: 137 });
  });

  test('a storage limit is kept', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:sleep=60000,storage=1001', storageBytes: 1_000 }));
    expect(await harness.master.ended(key)).toMatchObject({ reason: 'storage_limit' });
  });

  test.each([
    ['truncate', 'exit_zero'],
    ['fail', 'log_limit'],
  ])('too much log with the policy %s ends as %s, with the rest counted', async (logPolicy, reason) => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    const image = 'scripted:sleep=300,lines=1000,line=100';
    session.send(assignment(key, { image, spec: { logLimitBytes: 5_050n, logPolicy } }));
    const ended = await harness.master.ended(key);
    expect(ended.reason).toBe(reason);
    const { stdout, dropped } = harness.master.log(key);
    expect(stdout).toEqual(expectedLog(image).subarray(0, 5_050));
    expect(ended.droppedLogBytes).toBe(BigInt(dropped));
    if (logPolicy === 'truncate') expect(dropped).toBe(100_000 - 5_050);
  });

  test('an assignment that makes no sense is told as an end, not as silence', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    session.send(assignment(key, { spec: { profile: 'privileged' } }));
    const ended = await harness.master.ended(key);
    expect(ended).toMatchObject({
      reason: 'start_error',
      message: 'the profile "privileged" is unknown; it is one of standard, restricted',
    });
  });

  test('assigned twice, it starts once', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:sleep=50' }));
    session.send(assignment(key, { image: 'scripted:sleep=50' }));
    await harness.master.ended(key);
    await harness.master.until(() => harness.machine.containers.size === 0);
    session.send(assignment(key, { image: 'scripted:sleep=50' }));
    await sleep(100);
    expect(harness.machine.starts).toHaveLength(1);
  });

  test('abandoned, it is stopped and removed without a word', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:sleep=60000' }));
    await harness.master.running(key);
    session.send({ case: 'abandon', value: { key } });
    await harness.master.until(() => harness.machine.containers.size === 0);
    expect(harness.master.phasesOf(key).map((phase) => phase.case)).toEqual(['starting', 'running']);
  });
});
