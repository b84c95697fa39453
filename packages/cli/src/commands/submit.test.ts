import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../testing/run.ts';
import { withMaster } from '../testing/with-master.ts';

const cluster = withMaster();

describe('submit', () => {
  test('one task: its id, or the task as JSON', async () => {
    const { code, stdout } = await cluster.run('submit busybox true');
    expect(code).toBe(0);
    expect(cluster.master.tasks.has(stdout.trim())).toBe(true);
    expect(await cluster.json('submit --json busybox')).toMatchObject({ image: 'busybox', state: 'queued' });
  });

  test('every option arrives in its field', async () => {
    const folder = temporaryFolder();
    const envFile = path.join(folder, 'env');
    fs.writeFileSync(envFile, '# comment\nA=file\nB=file=2\n\n');
    await cluster.run([
      ...['submit', '--name', 'n', '-c', 'date', '-e', 'A=1', '--env-file', envFile, '-w', '/w', '-u', 'nobody'],
      ...[
        '--entrypoint',
        'sh',
        '-l',
        'a=b=c',
        '-l',
        'd=',
        '--cpu',
        '500m',
        '--memory',
        '2',
        '--storage',
        '1Gi',
        '--gpu',
        '1',
      ],
      ...['--custom', 'licence=2', '--worker', 'worker-1', '--selector', 'zone=north', '--priority', '70'],
      ...['--gpu-model', 'A10,T4', '--near', 'app=db@zone', '--apart', 'app=web,tier=1', '--spread', 'app=web@zone'],
      ...['--gang', '--no-preemptible', '--expected', '20m'],
      ...['--deadline', '2027-01-01T00:00:00Z', '--start-after', '2026-12-31T00:00:00+01:00', '--depends-on', 'x,y'],
      ...[
        '--depends-on',
        'z',
        '--timeout',
        '90s',
        '--queue-timeout',
        '1h',
        '--retries',
        '3',
        '--retry-exit-codes',
        '75,111',
      ],
      ...[
        '--stop-signal',
        'SIGINT',
        '--stop-grace',
        '5s',
        '--profile',
        'restricted',
        '--network',
        'none',
        '--pull',
        'never',
      ],
      ...['--log-limit', '1Mi', '-n', 'research', 'busybox'],
    ]);
    const [request] = cluster.master.requests;
    expect(request?.query).toEqual({ namespace: 'research' });
    expect(request?.body).toEqual({
      name: 'n',
      image: 'busybox',
      command: 'date',
      entrypoint: ['sh'],
      env: { A: '1', B: 'file=2' },
      workdir: '/w',
      user: 'nobody',
      labels: { a: 'b=c', d: '' },
      resources: { cpu: '500m', memory: '2', storage: '1Gi', gpu: '1', custom: { licence: 2 } },
      worker: 'worker-1',
      selector: { zone: 'north' },
      gpuModels: ['A10', 'T4'],
      near: [{ labels: { app: 'db' }, by: 'zone' }],
      apart: [{ labels: { app: 'web', tier: '1' } }],
      spread: [{ labels: { app: 'web' }, by: 'zone' }],
      gang: true,
      preemptible: false,
      expected: '20m',
      priority: 70,
      deadline: '2027-01-01T00:00:00.000Z',
      startAfter: '2026-12-30T23:00:00.000Z',
      dependsOn: ['x', 'y', 'z'],
      timeout: '90s',
      queueTimeout: '1h',
      retry: { limit: 3, exitCodes: [75, 111] },
      stopSignal: 'SIGINT',
      stopGrace: '5s',
      profile: 'restricted',
      network: 'none',
      pull: 'never',
      logLimit: '1Mi',
    });
  });

  test('a file of several documents becomes one job, all or nothing', async () => {
    const file = path.join(temporaryFolder(), 'tasks.yaml');
    fs.writeFileSync(
      file,
      'name: sweep\ntasks:\n  - image: a\n  - { image: b, name: second }\n---\nimage: c\ndependsOn: [second]\n---\n- image: d\n---\n',
    );
    const { stdout, stderr } = await cluster.run(['submit', '-f', file]);
    expect(stdout.trim().split('\n').length).toBe(4);
    expect(stderr).toBe('job job-1: 4 tasks\n');
    expect(cluster.master.requests[0]?.body).toEqual({
      name: 'sweep',
      tasks: [{ image: 'a' }, { image: 'b', name: 'second' }, { image: 'c', dependsOn: ['second'] }, { image: 'd' }],
    });
    expect(await cluster.json(`submit -f ${file}`)).toMatchObject({ jobId: 'job-1', namespace: 'default' });
  });

  test('JSON does as well, and a single task stays single', async () => {
    const file = path.join(temporaryFolder(), 'task.json');
    fs.writeFileSync(file, '{"image":"a"}');
    await cluster.run(['submit', '-f', file, '--idempotency-key', 'k']);
    expect(cluster.master.requests[0]).toMatchObject({ operation: 'submitTask', body: { image: 'a' } });
    expect(cluster.master.requests[0]?.headers['idempotency-key']).toBe('k');
  });

  test.each([
    ['- image: a\n- 7\n', 'task 2: a task is a mapping with at least an image, not 7'],
    ['command: x\n', 'image is missing'],
    ['tasks: [{image: a}]\nowner: me\n', 'a job has no field owner'],
    ['image: [\n', 'line 2'],
    ['', 'no task in'],
  ])('%j is refused before anything is sent', async (content, message) => {
    const file = path.join(temporaryFolder(), 'bad.yaml');
    fs.writeFileSync(file, content);
    const { code, stderr } = await cluster.run(['submit', '-f', file]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(cluster.master.requests).toEqual([]);
  });

  test.each([
    'submit',
    'submit -f /nonexistent/x busybox',
    'submit -f /nonexistent/x',
    'submit --priority 101 a',
    'submit --priority high a',
    'submit --deadline tomorrow a',
    'submit --label x a',
    'submit --pull sometimes a',
    'submit -c date busybox date',
    'submit --no-such-option a',
    'submit --custom gold=1.5 a',
  ])('%s is a mistake on the command line', async (line) => {
    const { code, stdout, stderr } = await cluster.run(line);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: /);
    expect(cluster.master.requests).toEqual([]);
  });
});
