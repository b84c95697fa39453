/** The whole worker over the real protocol and TLS, with scripted containers and a master that does as it is told. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runWorker } from './process.ts';
import { parseProgram, scriptedLine } from './runtimes/scripted/index.ts';
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

  test('the certificate is renewed in the later half of its life and shown at once', async () => {
    const short = await WorkerHarness.start({ heartbeatMs: 60, certificateMs: 1_500 });
    await short.run({ random: () => 0 });
    await short.master.until(() => short.master.renewals === 1, 5_000);
    await short.master.until(() => short.master.sessions.length === 2 && short.master.session.isOpen);
    expect(short.master.sessions[0]?.goodbye).toBe('renewed the certificate');
    await short.close();
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
    session.send({
      case: 'refused',
      value: { code: 'worker_revoked', message: 'worker-1 was unregistered', retry: false },
    });
    expect(await harness.worker.ended).toEqual({ exitCode: 77, message: 'worker-1 was unregistered' });
    expect(harness.machine.containers.size).toBe(1);
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

describe('the lease', () => {
  test('nothing starts while the master’s word is too old; it starts when there is a new one', async () => {
    await harness.close();
    harness = await WorkerHarness.start({ heartbeatMs: 300, leaseMs: 100 });
    await harness.run();
    const session = await harness.master.connected();
    harness.master.behaviour.acknowledgeHeartbeats = false;
    await sleep(150);
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:sleep=5' }));
    await sleep(300);
    expect(harness.machine.starts).toHaveLength(0);
    harness.master.behaviour.acknowledgeHeartbeats = true;
    await harness.master.ended(key);
  });
});

describe('faults', () => {
  test('the connection breaks again and again: same attempt, log continuous, one result', async () => {
    await harness.run();
    await harness.master.connected();
    const key = newKey();
    const image = 'scripted:sleep=2500,lines=90';
    harness.master.session.send(assignment(key, { image }));
    await harness.master.running(key);
    for (let cut = 0; cut < 3; cut += 1) {
      await sleep(120);
      harness.master.cut();
      await harness.master.connected();
      expect(harness.master.session.hello?.found).toMatchObject([{ key, phase: 'running' }]);
    }
    expect((await harness.master.ended(key)).reason).toBe('exit_zero');
    expect(harness.master.log(key).stdout).toEqual(expectedLog(image));
    expect(harness.machine.starts).toHaveLength(1);
    await harness.master.until(() => harness.machine.containers.size === 0);
  });

  test('an end is told in every session until the master has it', async () => {
    await harness.run();
    await harness.master.connected();
    harness.master.behaviour.acknowledgeReports = false;
    const key = newKey();
    harness.master.session.send(assignment(key, { image: 'scripted:lines=5' }));
    await harness.master.ended(key);
    const ends = () => harness.master.phasesOf(key).filter((phase) => phase.case === 'ended').length;
    for (const count of [2, 3]) {
      harness.master.cut();
      await harness.master.until(() => ends() === count);
    }
    expect(harness.machine.containers.size).toBe(1);
    harness.master.behaviour.acknowledgeReports = true;
    harness.master.cut();
    await harness.master.until(() => harness.machine.containers.size === 0);
  });

  test('the worker process is restarted while containers run and end: all is taken up', async () => {
    await harness.run();
    await harness.master.connected();
    const [running, ending] = [newKey(), newKey()];
    const image = 'scripted:sleep=700,lines=70';
    harness.master.session.send(assignment(running, { image }));
    harness.master.session.send(assignment(ending, { image: 'scripted:sleep=150,exit=7,lines=10' }));
    await harness.master.running(ending);
    await harness.master.running(running);
    await harness.worker.stop();
    await sleep(200);
    await harness.run({ join: undefined });
    expect(await harness.master.ended(ending)).toMatchObject({ reason: 'exit_nonzero', exitCode: 7 });
    expect(await harness.master.ended(running)).toMatchObject({ reason: 'exit_zero' });
    expect(harness.master.log(running).stdout).toEqual(expectedLog(image));
    expect(harness.master.log(ending).stdout).toEqual(expectedLog('scripted:lines=10'));
    expect(harness.machine.starts).toHaveLength(2);
    await harness.master.until(() => harness.machine.containers.size === 0);
  });

  test('a time limit goes on over a restart, and a stop that was under way keeps its reason', async () => {
    await harness.run();
    await harness.master.connected();
    const [limited, stopping] = [newKey(), newKey()];
    const image = 'scripted:sleep=60000,ignore-stop';
    harness.master.session.send(assignment(limited, { image, spec: { timeoutMs: 400n, stopGraceMs: 10n } }));
    harness.master.session.send(assignment(stopping, { image, spec: { timeoutMs: 50n, stopGraceMs: 60_000n } }));
    await harness.master.running(limited);
    await sleep(150);
    await harness.worker.stop();
    harness.machine.kill(stopping); // As the grace ends while nobody is there.
    await harness.run({ join: undefined });
    const startedAt = Number((await harness.master.running(limited)).startedAt);
    const ended = await harness.master.ended(limited);
    expect(ended.reason).toBe('timeout');
    expect(Number(ended.endedAt) - startedAt).toBeLessThan(1_500);
    expect((await harness.master.ended(stopping)).reason).toBe('timeout');
  });

  test('killed from outside: external, without an exit code', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:sleep=60000' }));
    await harness.master.running(key);
    harness.machine.kill(key);
    const ended = await harness.master.ended(key);
    expect([ended.reason, ended.exitCode]).toEqual(['external', undefined]);
  });

  test('uploads that break are repeated', async () => {
    await harness.run();
    const session = await harness.master.connected();
    harness.master.behaviour.uploads = 'break';
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:files=3,file=100000' }));
    await sleep(300);
    expect(harness.master.phasesOf(key).map((phase) => phase.case)).toEqual(['starting', 'running']);
    harness.master.behaviour.uploads = 'accept';
    const ended = await harness.master.ended(key);
    expect(ended.artifacts).toHaveLength(3);
    expect(harness.master.artifacts.get(`${key.taskId}.1`)?.map(({ data }) => data.length)).toEqual([
      100_000, 100_000, 100_000,
    ]);
  });
});

describe('logs', () => {
  beforeEach(async () => {
    await harness.close();
    harness = await WorkerHarness.start({ heartbeatMs: 2_000 });
  });

  test('a master that does not acknowledge bounds what is held; then everything arrives', async () => {
    await harness.run();
    const session = await harness.master.connected();
    harness.master.behaviour.acknowledgeLogs = false;
    const key = newKey();
    const image = 'scripted:lines=12000,line=1000';
    session.send(assignment(key, { image }));
    await harness.master.until(() => harness.master.log(key).bytes.stdout >= 4 * 2 ** 20);
    await sleep(200);
    expect(harness.master.log(key).bytes.stdout).toBeLessThan(4 * 2 ** 20 + 128 * 1024);
    harness.master.behaviour.acknowledgeLogs = true;
    harness.master.cut();
    const ended = await harness.master.ended(key);
    expect(ended.stdoutBytes).toBe(12_000_000n);
    expect(harness.master.log(key).stdout.equals(expectedLog(image))).toBe(true);
  });

  test('a master that lost what it had acknowledged gets it again, also after the end', async () => {
    await harness.run();
    const session = await harness.master.connected();
    harness.master.behaviour.acknowledgeReports = false;
    const key = newKey();
    const image = 'scripted:lines=500,errors=20';
    session.send(assignment(key, { image }));
    await harness.master.ended(key);
    await sleep(50);
    harness.master.logs.clear();
    harness.master.behaviour.acknowledgeReports = true;
    harness.master.cut();
    await harness.master.until(() => harness.machine.containers.size === 0);
    expect(harness.master.log(key).stdout).toEqual(expectedLog(image));
    expect(harness.master.log(key).ended.size).toBe(2);
  });

  test('the master asks for bytes again in the middle of a session', async () => {
    await harness.run();
    const session = await harness.master.connected();
    harness.master.behaviour.acknowledgeLogs = false;
    const key = newKey();
    const image = 'scripted:sleep=600,lines=60';
    session.send(assignment(key, { image }));
    await harness.master.until(() => harness.master.log(key).bytes.stdout > 500);
    harness.master.logs.clear();
    session.send({ case: 'logResume', value: { key, stdoutOffset: 0n, stderrOffset: 0n } });
    await harness.master.ended(key);
    expect(harness.master.log(key).stdout).toEqual(expectedLog(image));
  });

  test('one flood does not hold up the others', async () => {
    await harness.run();
    const session = await harness.master.connected();
    const [flood, small] = [newKey(), newKey()];
    session.send(assignment(flood, { image: 'scripted:sleep=3000,lines=400000,line=100' }));
    await harness.master.running(flood);
    const before = performance.now();
    session.send(assignment(small, { image: 'scripted:lines=3' }));
    await harness.master.ended(small);
    expect(performance.now() - before).toBeLessThan(500);
    session.send({ case: 'cancel', value: { key: flood, reason: 'cancelled_by_user', graceMs: 100n } });
    await harness.master.ended(flood);
  });
});
