import { aTask, aWorker } from '@cloudai/sdk/testing';
import { describe, expect, test } from 'vitest';
import { withMaster } from '../testing/with-master.ts';

const ID = 'aaaabbbbccccdddd';

const cluster = withMaster();

describe('at the prompt', () => {
  test('the older task shows what it sends and where it stands', async () => {
    cluster.master.workers.set('worker-1', aWorker());
    const { code, stdout } = await cluster.run('task busybox -cpu_cores 2.0', { isPrompt: true });
    expect(code).toBe(0);
    expect(stdout).toContain('│   CPU Cores:   2.0');
    expect(stdout).toContain(
      'Task submitted successfully. Queue position: 1. Scheduler will assign it to an available worker.',
    );
    expect(cluster.master.requests.at(-2)?.body).toEqual({
      image: 'busybox',
      resources: { cpu: '2.0', memory: '0.5', storage: '1.0', gpu: '0.0' },
    });
  });

  test('task and dispatch check the worker in the older words', async () => {
    cluster.master.workers.set('worker-2', aWorker({ id: 'worker-2', state: 'lost' }));
    expect((await cluster.run('dispatch nobody busybox', { isPrompt: true })).stderr).toContain(
      'Worker nobody not found',
    );
    expect((await cluster.run('dispatch worker-2 busybox', { isPrompt: true })).stderr).toContain(
      'Worker worker-2 is not active',
    );
    expect((await cluster.run('task worker-2 busybox', { isPrompt: true })).code).toBe(4);
    expect(cluster.master.tasks.size).toBe(0);
  });

  test('the subcommands of task are there as well', async () => {
    cluster.master.addTask({ task: aTask({ id: ID }) });
    expect((await cluster.run('task show aaaa -q', { isPrompt: true })).stdout).toBe(`${ID}\n`);
  });

  test('list-tasks groups by state, or shows one', async () => {
    cluster.master.addTask({ task: aTask({ id: ID, state: 'running' }) });
    cluster.master.addTask({ task: aTask({ id: 'bbbb', state: 'queued' }) });
    const { stdout } = await cluster.run('list-tasks', { isPrompt: true });
    expect(stdout).toMatch(/^running \(1\)\n[\s\S]*queued \(1\)\n/);
    expect((await cluster.run('list-tasks queued -q', { isPrompt: true })).stdout).toBe('bbbb\n');
    expect((await cluster.run('list-tasks nonsense', { isPrompt: true })).code).toBe(2);
  });

  test('monitor refuses a task of somebody else', async () => {
    cluster.master.addTask({ task: aTask({ id: ID, owner: 'ada' }) });
    cluster.master.append(ID, { kind: 'end', state: 'completed', reason: 'exit_zero', exitCode: 0, message: null });
    expect((await cluster.run('monitor aaaa admin', { isPrompt: true })).code).toBe(3);
    expect((await cluster.run('monitor aaaa ada', { isPrompt: true })).stdout).toContain('Task completed');
  });
});
