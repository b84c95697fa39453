import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { assignment } from './testing/assignment.ts';
import { WorkerHarness } from './testing/worker.ts';

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
