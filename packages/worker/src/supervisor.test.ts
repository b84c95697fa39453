import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FileAttemptJournal } from './attempt-journal.ts';
import { Lease } from './lease.ts';
import { ScriptedMachine, ScriptedRuntime } from './runtimes/scripted/index.ts';
import { Supervisor } from './supervisor.ts';
import { assignment, runSpec } from './testing/assignment.ts';
import { ManualClock, settle } from './testing/manual-clock.ts';
import { silent, WorkerHarness } from './testing/worker.ts';

// Real time and real connections: on a busy machine everything takes longer.
vi.setConfig({ testTimeout: 30_000 });

const key = { taskId: 'task', attempt: 1 };
let harness: WorkerHarness;

beforeEach(async () => {
  harness = await WorkerHarness.start({ heartbeatMs: 200, leaseMs: 5_000 });
});
afterEach(() => harness.close());

const phases = () => harness.master.reports.map(({ report }) => report.phase.case);

describe('a master that gives a number a second time, as after a restored backup', () => {
  test('hears that an attempt which is gone can not be had again', async () => {
    await harness.run();
    const session = await harness.master.connected();
    session.send(assignment(key, { image: 'scripted:' }));
    await harness.master.ended(key);
    await harness.master.until(() => harness.machine.containers.size === 0);
    harness.master.reports.length = 0;
    session.send(assignment(key, { image: 'scripted:' }));
    expect((await harness.master.ended(key)).reason).toBe('start_error');
    expect(harness.machine.starts).toHaveLength(1);
  });

  test('hears nothing of the abandoned one, and that its name is used once it is gone', async () => {
    await harness.run();
    const session = await harness.master.connected();
    session.send(assignment(key, { image: 'scripted:sleep=600000' }));
    await harness.master.running(key);
    harness.master.reports.length = 0;
    session.send({ case: 'abandon', value: { key } });
    session.send(assignment(key, { image: 'scripted:sleep=600000' }));
    expect((await harness.master.ended(key)).reason).toBe('start_error');
    expect(harness.machine.containers.size).toBe(0);
    expect(phases()).toEqual(['ended']);
    expect(harness.machine.starts).toHaveLength(1);
  });
});

test('nothing new starts while a process that was given up is still being stopped', async () => {
  await harness.run();
  const session = await harness.master.connected();
  session.send(assignment(key, { image: 'scripted:sleep=600000,ignore-stop', spec: { stopGraceMs: 600n } }));
  await harness.master.running(key);
  const next = { taskId: 'task', attempt: 2 };
  session.send({ case: 'abandon', value: { key } });
  session.send(assignment(next, { image: 'scripted:sleep=10' }));
  await harness.master.until(() => harness.master.phasesOf(next).length === 1);
  await new Promise((resolve) => setTimeout(resolve, 350)); // More than a heartbeat.
  expect(harness.machine.starts).toEqual([key]);
  await harness.master.ended(next);
  expect(harness.machine.starts).toEqual([key, next]);
  expect([...harness.machine.containers.keys()]).not.toContain('task.1');
});

test('what a task used is known even if it ends before the first heartbeat could measure it', async () => {
  const slow = await WorkerHarness.start({ heartbeatMs: 60_000, leaseMs: 120_000 });
  await slow.run();
  const session = await slow.master.connected();
  session.send(assignment(key, { image: 'scripted:sleep=150,memory=7340032' }));
  expect((await slow.master.ended(key)).peakMemoryBytes).toBe(7_340_032n);
  await slow.close();
});

describe('the time limit of a container that was taken up', () => {
  const DAY = 86_400_000;
  let directory: string;
  let clock: ManualClock;
  let machine: ScriptedMachine;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'supervisor-'));
    clock = new ManualClock();
    machine = new ScriptedMachine(clock);
  });
  // A stop that was let go of may still be noting itself.
  afterEach(() => rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }));

  /** A new process of the worker on the same machine. */
  function supervisor(bootId = 'boot', runtime = new ScriptedRuntime(machine)): Supervisor {
    const lease = new Lease();
    lease.begin(Number.POSITIVE_INFINITY);
    lease.renew(0);
    const journal = new FileAttemptJournal(directory, { bootId, now: () => 1e9 + clock.now() });
    return new Supervisor({ runtime, clock, journal, lease, log: silent });
  }

  /** A task with a minute of time has run for ten seconds when its worker is restarted. */
  async function restarted(between: () => void, bootId = 'boot'): Promise<Supervisor> {
    const first = supervisor();
    first.assign(key, runSpec({ image: 'scripted:sleep=3600000', timeoutMs: 60_000 }));
    await vi.waitUntil(() => first.runners.get('task.1')?.state.phase === 'running');
    const journal = new FileAttemptJournal(directory, { bootId: 'boot', now: () => 1e9 + clock.now() });
    await vi.waitUntil(async () => (await journal.ranForMs(key)) !== null);
    await clock.advance(10_000);
    first.detach();
    between();
    const second = supervisor(bootId);
    await second.adoptAll();
    await settle();
    return second;
  }

  const leftMs = (one: Supervisor): number | null => {
    const state = one.runners.get('task.1')?.state;
    return state?.phase === 'running' && state.deadlineAt !== null ? state.deadlineAt - clock.now() : null;
  };

  test.each([-DAY, -5_000, 5_000, DAY])('does not heed a step of the wall clock by %i ms', async (step) => {
    const second = await restarted(() => clock.setWall(step));
    expect(leftMs(second)).toBe(50_000);
    await clock.advance(49_000);
    expect(second.runners.get('task.1')!.state.phase).toBe('running');
    await clock.advance(1_000);
    expect(second.runners.get('task.1')!.state).toMatchObject({ stop: { reason: 'timeout' } });
    second.detach();
  });

  test('nor a step while the start is under way', async () => {
    class LateAnswer extends ScriptedRuntime {
      override async start(...args: Parameters<ScriptedRuntime['start']>) {
        const started = await super.start(...args);
        clock.setWall(DAY);
        return started;
      }
    }
    const one = supervisor('boot', new LateAnswer(machine));
    one.assign(key, runSpec({ image: 'scripted:sleep=3600000', timeoutMs: 60_000 }));
    await vi.waitUntil(() => one.runners.get('task.1')?.state.phase === 'running');
    expect(leftMs(one)).toBe(60_000);
    one.detach();
  });

  test('is by the wall clock where nothing else is known, and no longer than the machine is up', async () => {
    const second = await restarted(() => {}, 'another boot');
    expect(leftMs(second)).toBe(60_000 - Math.min(10_000, os.uptime() * 1_000));
    second.detach();
  });
});
