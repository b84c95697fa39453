import { aTask, aWorker } from '@cloudai/sdk/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { withMaster } from '../testing/with-master.ts';

const ID = 'aaaabbbbccccdddd';

const cluster = withMaster();

describe('workers', () => {
  beforeEach(() => {
    cluster.master.workers.set('worker-1', aWorker());
    cluster.master.workers.set('worker-2', aWorker({ id: 'worker-2', state: 'lost', connected: false, usage: null }));
  });

  test('as a table, as JSON, as ids', async () => {
    expect((await cluster.run('workers')).stdout).toMatch(
      /worker-1 +active +192\.168\.1\.20:50052 +1 +2\.5 \/ 8 +4\.0 GiB \/ 16\.0 GiB/,
    );
    expect(await cluster.json('workers')).toMatchObject({
      items: [{ id: 'worker-1' }, { id: 'worker-2' }],
      next: null,
    });
    expect((await cluster.run('workers -q')).stdout).toBe('worker-1\nworker-2\n');
  });

  test('in the words of the older list', async () => {
    const { stdout } = await cluster.run('list', { isPrompt: true });
    expect(stdout.split('\n\n')[0]).toBe(
      [
        'worker-1',
        '  Status: 🟢 Active',
        '  IP: 192.168.1.20:50052',
        '  Resources:',
        '    CPU:     8.0 total, 2.5 allocated, 5.5 available',
        '    Memory:  16.0 GB total, 4.0 GB allocated, 12.0 GB available',
        '    Storage: 100.0 GB total, 10.0 GB allocated, 90.0 GB available',
        '    GPU:     1.0 total, 0.0 allocated, 1.0 available',
        '  Running Tasks: 1',
      ].join('\n'),
    );
    expect(stdout).toContain('🔴 Inactive (lost)');
    expect((await cluster.run('workers --long')).stdout).toBe(stdout);
  });

  test('in the box of the older stats', async () => {
    cluster.master.workers.set('worker-1', aWorker({ lastSeenAt: new Date(Date.now() - 5500).toISOString() }));
    const lines = (await cluster.run('stats worker-1')).stdout
      .split('\n')
      .map((line) => line.replace(/^[│┌└] ?| *[│┐┘]$/g, ''));
    expect(lines.slice(1, -2)).toEqual([
      'Status:    🟢 Active',
      'Address:   192.168.1.20:50052',
      'Last Seen: 5 seconds ago',
      '',
      'Resources (Total / Allocated / Available):',
      '  CPU:     8.00 / 2.50 / 5.50 cores (25.5% used)',
      '  Memory:  16.00 / 4.00 / 12.00 GB (3.00 GB used)',
      '  Storage: 100.00 / 10.00 / 90.00 GB',
      '  GPU:     1.00 / 0.00 / 1.00 devices (50.0% used)',
      '',
      'Resource Utilization:',
      '  CPU Allocated: 31.3%',
      '  Mem Allocated: 25.0%',
      '  GPU Allocated: 0.0%',
      '',
      'Running Tasks: 1',
    ]);
  });

  test('register prints the command to run, and refuses a known id with what to do', async () => {
    const { stdout, stderr } = await cluster.run('register worker-3 10.0.0.3:50052 -l zone=north');
    expect(stdout).toBe('cloudai worker --master 127.0.0.1:50051 --join CAIJ1.00.worker-3.secret\n');
    expect(stderr).toContain('Within 15 minutes');
    expect(cluster.master.requests[0]?.body).toEqual({
      id: 'worker-3',
      address: '10.0.0.3:50052',
      labels: { zone: 'north' },
    });
    const again = await cluster.run('register worker-3');
    expect(again.code).toBe(4);
    expect(again.stderr).toBe(
      'error: worker worker-3 already registered\n  Choose another id, or ask for a new join token with --renew.\n',
    );
    expect((await cluster.run('register worker-3 --renew -q')).stdout).toBe('CAIJ1.00.worker-3.secret\n');
  });

  test('unregister, drain, label, show', async () => {
    expect((await cluster.run('unregister worker-1')).code).toBe(4);
    expect((await cluster.run('unregister worker-1 --force')).stdout).toBe('Worker worker-1 is unregistered.\n');
    expect((await cluster.run('worker drain worker-2 --reason disk')).stdout).toContain(
      'takes no new tasks; 1 task still on it',
    );
    expect((await cluster.run('worker drain worker-2 --off')).stdout).toContain('takes tasks again');
    expect((await cluster.run('worker label worker-2 a=1 zone-')).stdout).toBe('worker-2: a=1\n');
    expect((await cluster.run('worker label worker-2 nonsense')).code).toBe(2);
    expect((await cluster.run('worker show worker-2')).stdout).toContain('Test GPU');
    expect((await cluster.run('worker show nobody')).code).toBe(3);
  });
});

test('queue, status, scheduler', async () => {
  cluster.master.addTask({ task: aTask({ id: ID, message: 'Insufficient CPU' }) });
  expect((await cluster.run('queue')).stdout).toMatch(
    /1 +aaaabbbbccccdddd +Waiting for scheduler .*1m 5s +0 +Insufficient CPU/,
  );
  expect(await cluster.json('queue')).toMatchObject({ total: 1, items: [{ position: 1 }] });
  expect((await cluster.run('status')).stdout).toMatch(
    /Queue: +1 waiting, the oldest for 1s[\s\S]*CPU +1 +0\.5 +0\.5 +50%/,
  );
  expect(await cluster.json('status')).toMatchObject({ clusterId: 'c-1', queueDepth: 1 });
  expect((await cluster.run('scheduler use balanced')).stdout).toBe(
    'Tasks are placed by balanced from now on, ordered by priority (greedy).\n',
  );
  expect((await cluster.run('scheduler show -q')).stdout).toBe('balanced\n');
  expect((await cluster.run('scheduler show')).stdout).toMatch(
    /Placement: +balanced, version 1: .*\nOrder: +priority[\s\S]*GPU: +0\.5 of 2 free can not be used/,
  );
  expect((await cluster.run('scheduler list')).stdout).toMatch(/\* +balanced[\s\S]*\* +priority/);
  await cluster.run('scheduler use --order saf --backfill easy --starvation never --ageing 5m --preemption on');
  expect(cluster.master.requests.at(-1)?.body).toEqual({
    ...{ ordering: 'saf', backfill: 'easy', starvation: null, ageing: '5m', preemption: true },
  });
  await cluster.run('scheduler use none --pool gpu');
  expect(cluster.master.requests.at(-1)?.body).toEqual({ placement: null, scope: { kind: 'pool', name: 'gpu' } });
  expect((await cluster.run('scheduler use')).code).toBe(2);
  expect((await cluster.run('scheduler use --pool gpu')).code).toBe(2);
  expect((await cluster.run('scheduler use magic')).code).toBe(2);
});

test('namespaces, users, tokens', async () => {
  expect((await cluster.run('namespace set research --cpu 4 --memory 8Gi')).stdout).toBe(
    'research: 1 CPU, 512.0 MiB\n',
  );
  const quota = { cpuMillis: null, memoryBytes: 2 ** 30, storageBytes: null, gpuMillis: 0, custom: { licence: 2 } };
  cluster.master.namespaces.set('partly', { name: 'partly', quota, createdAt: '2026-11-22T12:00:00.000Z' });
  expect((await cluster.run('namespace list')).stdout).toMatch(/^partly +1\.0 GiB, 0 GPU, 2 licence /m);
  cluster.master.namespaces.delete('partly');
  expect((await cluster.run('namespace set research --unlimited')).stdout).toBe('research: no quota\n');
  expect(await cluster.json('namespace list')).toMatchObject({ items: [{ name: 'research', quota: null }] });
  expect((await cluster.run('user set ada --namespaces research,teaching --role user')).stdout).toBe(
    'ada: user, namespaces research, teaching\n',
  );
  expect(cluster.master.requests.at(-1)?.body).toEqual({ role: 'user', namespaces: ['research', 'teaching'] });
  expect((await cluster.run('user set ada --disable')).stdout).toContain('disabled');
  expect((await cluster.run('user set ada --disable --enable')).code).toBe(2);
  expect((await cluster.run('token issue ada -q')).stdout).toBe('cai_5yl3n8_secret\n');
  expect((await cluster.run('token list ada')).stdout).toContain('valid');
  expect((await cluster.run('token revoke nope')).code).toBe(3);
});
