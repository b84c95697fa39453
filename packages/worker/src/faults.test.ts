import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseProgram, scriptedLine } from './runtimes/scripted/index.ts';
import { assignment } from './testing/assignment.ts';
import { WorkerHarness } from './testing/worker.ts';

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

test('one that is cancelled while it waits for its turn never starts', async () => {
  await harness.run();
  const session = await harness.master.connected();
  const keys = Array.from({ length: 40 }, newKey);
  for (const key of keys) session.send(assignment(key, { image: 'scripted:start=150' }));
  await harness.master.until(() => harness.machine.starts.length > 0);
  const last = keys.at(-1)!;
  session.send({ case: 'cancel', value: { key: last, reason: 'cancelled_by_user', graceMs: 100n } });
  expect((await harness.master.ended(last)).reason).toBe('cancelled_by_user');
  for (const key of keys.slice(0, -1)) expect((await harness.master.ended(key)).reason).toBe('exit_zero');
  expect(harness.machine.starts).toHaveLength(39);
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

describe('uploads that are refused for good', () => {
  test('an attempt that was given up ends without its files', async () => {
    await harness.run();
    const session = await harness.master.connected();
    harness.master.behaviour.uploads = 'fenced';
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:files=3' }));
    expect(await harness.master.ended(key)).toMatchObject({ reason: 'exit_zero', artifacts: [], message: '' });
    await harness.master.until(() => harness.machine.containers.size === 0);
  });

  test('a file that is too large is left out, and the end says so', async () => {
    await harness.run();
    const session = await harness.master.connected();
    harness.master.behaviour.uploads = 'payload_too_large';
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:files=2' }));
    expect(await harness.master.ended(key)).toMatchObject({
      reason: 'output_error',
      artifacts: [],
      message: 'not kept from /output: file-0: refused (and 1 more)',
    });
  });

  test('a refusal that passes costs nothing', async () => {
    await harness.run();
    const session = await harness.master.connected();
    harness.master.behaviour.uploads = 'fenced';
    const key = newKey();
    session.send(assignment(key, { image: 'scripted:files=2' }));
    await harness.master.running(key);
    await sleep(100);
    harness.master.behaviour.uploads = 'accept';
    expect(await harness.master.ended(key)).toMatchObject({ reason: 'exit_zero', artifacts: [{}, {}] });
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
