// The commands against a master in memory, over HTTP, inside this process.
import fs from 'node:fs';
import path from 'node:path';
import { anArtifact, anAttempt, aTask, aWorker, MemoryMaster } from '@cloudai/sdk/testing';
import stringWidth from 'string-width';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { envOf, type Ran, type RunOptions, runHere, temporaryFolder } from './testing/run.ts';

const ID = 'aaaabbbbccccdddd';
const AT = '2026-11-22T12:00:00.000Z';

let master: MemoryMaster;

beforeEach(async () => {
  master = await MemoryMaster.start();
});
afterEach(() => master.close());

function run(line: string | readonly string[], options: RunOptions = {}): Promise<Ran> {
  const args = typeof line === 'string' ? line.split(' ') : line;
  return runHere(args, { ...options, env: { ...envOf(master), ...options.env } });
}

async function json(line: string): Promise<unknown> {
  const { code, stdout, stderr } = await run(line.includes('--json') ? line : `${line} --json`);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

/** Lets a submitted task print and end. */
function script(exitCode: number | null, fields: object = {}, output = 'hello\n'): void {
  master.onSubmit = ({ id }) => {
    setTimeout(() => {
      master.append(id, { kind: 'data', attempt: 1, stream: 'stdout', offset: 0, at: AT, text: output });
      master.append(id, { kind: 'data', attempt: 1, stream: 'stderr', offset: 0, at: AT, text: 'oops\n' });
      master.end(id, { state: exitCode === 0 ? 'completed' : 'failed', exitCode, ...fields });
    }, 10);
  };
}

describe('run', () => {
  test('prints the streams apart and ends with the code of the task', async () => {
    script(42, { reason: 'exit_nonzero', message: 'Exit code 42.' });
    const { code, stdout, stderr } = await run('run busybox sh -c exit');
    expect(code).toBe(42);
    expect(stdout).toBe('hello\n');
    expect(stderr).toMatch(/^task task\w+\noops\ntask task\w+ failed: Exit code 42\. \(exit_nonzero\)\n$/);
  });

  test('says nothing of its own with --quiet', async () => {
    script(0, { reason: 'exit_zero' });
    expect(await run('run -q busybox')).toEqual({ code: 0, stdout: 'hello\n', stderr: 'oops\n' });
  });

  test.each([
    ['failed', 'timeout', 137, 124],
    ['failed', 'queue_timeout', null, 124],
    ['failed', 'oom', 137, 137],
    ['failed', 'image_error', null, 125],
    ['failed', 'output_error', 0, 125],
    ['cancelled', 'cancelled_by_user', null, 130],
    ['completed', 'exit_zero', 0, 0],
  ])('%s by %s with %s ends with %i', async (state, reason, exitCode, expected) => {
    script(exitCode, { state, reason });
    expect((await run('run busybox')).code).toBe(expected);
  });

  test('what stands after the image is the command, whatever it looks like', async () => {
    script(0);
    await run(['run', '--cpu', '2', 'busybox', 'printf', '%s', '--cpu', '-n', 'a b']);
    await run(['run', 'busybox', '--', 'echo', '--', 'x']);
    expect(master.requests.filter(({ operation }) => operation === 'submitTask').map(({ body }) => body)).toEqual([
      { image: 'busybox', command: ['printf', '%s', '--cpu', '-n', 'a b'], resources: { cpu: '2' } },
      { image: 'busybox', command: ['echo', '--', 'x'] },
    ]);
  });

  test('Ctrl-C cancels the task and waits for its end', async () => {
    const { code, stderr } = await run('run busybox', {
      onStart: (cli) => {
        master.onSubmit = () => setTimeout(() => cli.interrupt('SIGINT'), 30);
      },
    });
    expect(code).toBe(130);
    expect(stderr).toContain('cancelling task');
    expect([...master.tasks.values()].map(({ task }) => task.state)).toEqual(['cancelled']);
  });

  test('a second Ctrl-C leaves the task to itself', async () => {
    master.failNext('cancelTask', { status: 404, code: 'task_unknown' });
    const { code } = await run('run busybox', {
      onStart: (cli) => {
        master.onSubmit = () => {
          setTimeout(() => cli.interrupt('SIGINT'), 30);
          setTimeout(() => cli.interrupt('SIGINT'), 60);
        };
      },
    });
    expect(code).toBe(130);
    expect([...master.tasks.values()].map(({ task }) => task.state)).toEqual(['queued']);
  });

  test('a broken connection in between goes unnoticed', async () => {
    script(0, {}, 'all of it\n');
    master.logCuts.push(1);
    expect((await run('run -q busybox')).stdout).toBe('all of it\n');
  });
});

describe('submit', () => {
  test('one task: its id, or the task as JSON', async () => {
    const { code, stdout } = await run('submit busybox true');
    expect(code).toBe(0);
    expect(master.tasks.has(stdout.trim())).toBe(true);
    expect(await json('submit --json busybox')).toMatchObject({ image: 'busybox', state: 'queued' });
  });

  test('every option arrives in its field', async () => {
    const folder = temporaryFolder();
    const envFile = path.join(folder, 'env');
    fs.writeFileSync(envFile, '# comment\nA=file\nB=file=2\n\n');
    await run([
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
    const [request] = master.requests;
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
    const { stdout, stderr } = await run(['submit', '-f', file]);
    expect(stdout.trim().split('\n').length).toBe(4);
    expect(stderr).toBe('job job-1: 4 tasks\n');
    expect(master.requests[0]?.body).toEqual({
      name: 'sweep',
      tasks: [{ image: 'a' }, { image: 'b', name: 'second' }, { image: 'c', dependsOn: ['second'] }, { image: 'd' }],
    });
    expect(await json(`submit -f ${file}`)).toMatchObject({ jobId: 'job-1', namespace: 'default' });
  });

  test('JSON does as well, and a single task stays single', async () => {
    const file = path.join(temporaryFolder(), 'task.json');
    fs.writeFileSync(file, '{"image":"a"}');
    await run(['submit', '-f', file, '--idempotency-key', 'k']);
    expect(master.requests[0]).toMatchObject({ operation: 'submitTask', body: { image: 'a' } });
    expect(master.requests[0]?.headers['idempotency-key']).toBe('k');
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
    const { code, stderr } = await run(['submit', '-f', file]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(master.requests).toEqual([]);
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
    const { code, stdout, stderr } = await run(line);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: /);
    expect(master.requests).toEqual([]);
  });
});

describe('tasks', () => {
  beforeEach(() => {
    master.addTask({ task: aTask({ id: ID, name: 'first', state: 'running', worker: 'worker-1', startedAt: AT }) });
    master.addTask({ task: aTask({ id: 'bbbb', state: 'failed', reason: 'oom', exitCode: 137 }) });
    master.addTask({
      task: aTask({ id: 'cccc', state: 'failed', reason: 'exit_nonzero', exitCode: 3, command: 'a\u001b[2Jb' }),
    });
  });

  test('as a table', async () => {
    const { stdout } = await run('tasks');
    expect(stdout).toMatch(/^ID +NAME +STATE +WORKER +AGE +RAN +IMAGE +COMMAND\n/);
    expect(stdout).toMatch(/aaaabbbbccccdddd +first +running +worker-1/);
    expect(stdout).toMatch(/bbbb .*failed \(oom\)/);
    expect(stdout).toMatch(/cccc .*failed \(exit 3\).*a\\e\[2Jb/);
  });

  test.each([60, 80, 120])('a table of %i columns fits', async (width) => {
    master.addTask({
      task: aTask({ id: 'dddd', name: 'x'.repeat(90), image: 'y'.repeat(90), command: '日本'.repeat(60) }),
    });
    const { stdout } = await run('tasks', { width });
    for (const line of stdout.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(width);
  });

  test('as JSON and as ids', async () => {
    expect(await json('tasks')).toMatchObject({ items: [{ id: ID }, { id: 'bbbb' }, { id: 'cccc' }], next: null });
    expect((await run('tasks -q')).stdout).toBe(`${ID}\nbbbb\ncccc\n`);
  });

  test('all filters go to the master', async () => {
    await run(
      'tasks aa -s running,queued --reason oom --owner me --worker w --job j --name n --image i -l a=b -l c=d --order oldest --limit 7',
    );
    expect(master.requests[0]?.query).toEqual({
      ...{
        id: 'aa',
        state: 'running,queued',
        reason: 'oom',
        owner: 'me',
        worker: 'w',
        job: 'j',
        name: 'n',
        image: 'i',
      },
      ...{ label: 'a=b,c=d', order: 'oldest', limit: '7' },
    });
  });

  test('a limit stops, --all goes on to the end', async () => {
    for (let index = 0; index < 1200; index++) master.addTask({ task: aTask({ id: `t${index}` }) });
    const some = await run('tasks --limit 5');
    expect(some.stdout.trim().split('\n').length).toBe(6);
    expect(some.stderr).toContain('--limit or --all');
    expect((await run('tasks --all -q')).stdout.trim().split('\n').length).toBe(1203);
  });

  test('none is no error', async () => {
    expect(await run('tasks -s cancelled')).toEqual({ code: 0, stdout: '', stderr: 'No tasks.\n' });
  });

  test('an answer for people has colours at a terminal, none with NO_COLOR', async () => {
    const colored = await run('tasks', { width: 120, env: { NO_COLOR: '' } });
    expect(colored.stdout).toContain('\u001b[');
    expect((await run('tasks', { width: 120 })).stdout).not.toContain('\u001b[');
  });
});

describe('task', () => {
  const artifact = anArtifact('sub/result.json', '{}\n');
  beforeEach(() => {
    master.addTask({
      task: aTask({
        id: ID,
        state: 'completed',
        exitCode: 0,
        attempt: 1,
        endedAt: AT,
        startedAt: AT,
        labels: { a: 'b' },
      }),
      attempts: [anAttempt({ state: 'succeeded', exitCode: 0, endedAt: AT, artifacts: [artifact] })],
    });
    master.addTask({ task: aTask({ id: 'bbbb', state: 'queued' }) });
    master.addTask({ task: aTask({ id: 'bbcc', state: 'queued' }) });
  });

  test('show takes a prefix', async () => {
    const { stdout } = await run('task show aaaa');
    for (const text of [ID, 'completed', 'a=b', '1 CPU, 512.0 MiB', 'sub/result.json']) expect(stdout).toContain(text);
    expect(await json('task show aaaa')).toMatchObject({ task: { id: ID }, attempts: [{ number: 1 }] });
  });

  test('explain gives the reason per worker and what helps', async () => {
    const { stdout } = await run('task explain bbb');
    expect(stdout).toContain('Insufficient CPU: worker has 2.00 available, task requires 3.00');
    expect(stdout).toContain('ask for 1.00 CPU less');
    expect(await json('task explain bbb')).toMatchObject({ taskId: 'bbbb', position: 1, couldEverFit: true });
  });

  test('cancel takes many, reports those that fail and goes on', async () => {
    const { code, stdout, stderr } = await run('task cancel bbbb nope bbcc');
    expect(code).toBe(3);
    expect(stdout).toBe('bbbb cancelled\nbbcc cancelled\n');
    expect(stderr).toContain('nope');
    expect(await json('cancel bbbb')).toMatchObject({ items: [{ id: 'bbbb', state: 'cancelled' }], next: null });
  });

  test('retry, attempts, events, priority', async () => {
    expect((await run(`task retry ${ID}`)).stdout).toMatch(new RegExp(`^task\\d+ repeats ${ID}\n$`));
    expect((await run('task retry bbbb')).code).toBe(4);
    expect(await json(`task attempts ${ID}`)).toMatchObject({ items: [{ number: 1, state: 'succeeded' }] });
    expect((await run(`task events ${ID}`)).stdout).toContain('taskSubmitted');
    expect((await run('task priority bbbb 90')).stdout).toBe('bbbb has priority 90\n');
  });

  test('a mistyped subcommand is a mistake and no image', async () => {
    const { code, stderr } = await run('task shwo');
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean show?');
    expect(master.requests).toEqual([]);
  });

  test('artifacts: listed, fetched whole, checked', async () => {
    master.contents.set('sub/result.json', '{}\n');
    expect((await run('artifacts ls aaaa -q')).stdout).toBe('sub/result.json\n');
    const folder = temporaryFolder();
    const got = await run(['artifacts', 'get', 'aaaa', '-o', folder]);
    expect(got).toMatchObject({ code: 0, stdout: `${path.join(folder, 'sub/result.json')}\n` });
    expect(fs.readFileSync(path.join(folder, 'sub/result.json'), 'utf8')).toBe('{}\n');
    expect((await run(['artifacts', 'get', 'aaaa', '-o', folder])).code, 'is there already').toBe(4);
    expect((await run(['artifacts', 'get', 'aaaa', 'sub/result.json', '-o', '-'])).stdout).toBe('{}\n');
    master.contents.set('sub/result.json', 'tampered');
    const bad = await run(['artifacts', 'get', 'aaaa', '--force', '-o', folder]);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain('digest');
    expect(fs.readdirSync(path.join(folder, 'sub')), 'no remains').toEqual(['result.json']);
    expect((await run('artifacts get aaaa other')).stderr).toContain('the task left no other');
  });

  test('an artifact can not be written outside of the folder', async () => {
    for (const bad of ['../evil', '/etc/evil', 'a/../../evil']) {
      master.addTask({
        task: aTask({ id: 'evil', state: 'completed' }),
        attempts: [anAttempt({ artifacts: [anArtifact(bad, 'x')] })],
      });
      master.contents.set(bad, 'x');
      const { code, stderr } = await run(['artifacts', 'get', 'evil', '-o', temporaryFolder()]);
      expect(code).toBe(4);
      expect(stderr).toContain('outside');
    }
  });
});

describe('logs', () => {
  beforeEach(() => {
    master.addTask({ task: aTask({ id: ID }) });
    master.append(
      ID,
      { kind: 'data', attempt: 1, stream: 'stdout', offset: 0, at: AT, text: 'one\n' },
      { kind: 'data', attempt: 1, stream: 'stderr', offset: 0, at: AT, base64: '//4K' },
      { kind: 'dropped', attempt: 1, bytes: 77 },
      { kind: 'end', state: 'completed', reason: 'exit_zero', exitCode: 0, message: null },
    );
  });

  test('bytes as they are, the account of dropped ones beside them', async () => {
    const { code, stdout, stderr } = await run('logs aaaa');
    expect([code, stdout]).toEqual([0, 'one\n']);
    expect(stderr).toContain('77 bytes');
  });

  test('records as JSON lines', async () => {
    const lines = (await run('logs aaaa --json')).stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).kind)).toEqual(['data', 'data', 'dropped', 'end']);
  });

  test('options become the query', async () => {
    await run('logs -f --grep ERR --since 10m --tail 5 --stream stderr --attempt all aaaa');
    expect(master.requests[0]?.query).toEqual({
      follow: 'true',
      grep: 'ERR',
      since: '10m',
      tail: '5',
      stream: 'stderr',
      attempt: 'all',
    });
    expect((await run('logs --attempt x aaaa')).code).toBe(2);
  });
});

describe('workers', () => {
  beforeEach(() => {
    master.workers.set('worker-1', aWorker());
    master.workers.set('worker-2', aWorker({ id: 'worker-2', state: 'lost', connected: false, usage: null }));
  });

  test('as a table, as JSON, as ids', async () => {
    expect((await run('workers')).stdout).toMatch(
      /worker-1 +active +192\.168\.1\.20:50052 +1 +2\.5 \/ 8 +4\.0 GiB \/ 16\.0 GiB/,
    );
    expect(await json('workers')).toMatchObject({ items: [{ id: 'worker-1' }, { id: 'worker-2' }], next: null });
    expect((await run('workers -q')).stdout).toBe('worker-1\nworker-2\n');
  });

  test('in the words of the older list', async () => {
    const { stdout } = await run('list', { isPrompt: true });
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
    expect((await run('workers --long')).stdout).toBe(stdout);
  });

  test('in the box of the older stats', async () => {
    master.workers.set('worker-1', aWorker({ lastSeenAt: new Date(Date.now() - 5500).toISOString() }));
    const lines = (await run('stats worker-1')).stdout
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
    const { stdout, stderr } = await run('register worker-3 10.0.0.3:50052 -l zone=north');
    expect(stdout).toBe('cloudai worker --master 127.0.0.1:50051 --join CAIJ1.00.worker-3.secret\n');
    expect(stderr).toContain('Within 15 minutes');
    expect(master.requests[0]?.body).toEqual({ id: 'worker-3', address: '10.0.0.3:50052', labels: { zone: 'north' } });
    const again = await run('register worker-3');
    expect(again.code).toBe(4);
    expect(again.stderr).toBe(
      'error: worker worker-3 already registered\n  Choose another id, or ask for a new join token with --renew.\n',
    );
    expect((await run('register worker-3 --renew -q')).stdout).toBe('CAIJ1.00.worker-3.secret\n');
  });

  test('unregister, drain, label, show', async () => {
    expect((await run('unregister worker-1')).code).toBe(4);
    expect((await run('unregister worker-1 --force')).stdout).toBe('Worker worker-1 is unregistered.\n');
    expect((await run('worker drain worker-2 --reason disk')).stdout).toContain(
      'takes no new tasks; 1 task still on it',
    );
    expect((await run('worker drain worker-2 --off')).stdout).toContain('takes tasks again');
    expect((await run('worker label worker-2 a=1 zone-')).stdout).toBe('worker-2: a=1\n');
    expect((await run('worker label worker-2 nonsense')).code).toBe(2);
    expect((await run('worker show worker-2')).stdout).toContain('Test GPU');
    expect((await run('worker show nobody')).code).toBe(3);
  });
});

test('queue, status, scheduler', async () => {
  master.addTask({ task: aTask({ id: ID, message: 'Insufficient CPU' }) });
  expect((await run('queue')).stdout).toMatch(
    /1 +aaaabbbbccccdddd +Waiting for scheduler .*1m 5s +0 +Insufficient CPU/,
  );
  expect(await json('queue')).toMatchObject({ total: 1, items: [{ position: 1 }] });
  expect((await run('status')).stdout).toMatch(/Queue: +1 waiting, the oldest for 1s[\s\S]*CPU +1 +0\.5 +0\.5 +50%/);
  expect(await json('status')).toMatchObject({ clusterId: 'c-1', queueDepth: 1 });
  expect((await run('scheduler use balanced')).stdout).toBe('Tasks are placed by balanced from now on.\n');
  expect((await run('scheduler show')).stdout).toBe('balanced\n');
  expect((await run('scheduler list')).stdout).toMatch(/\* +balanced/);
  expect((await run('scheduler use magic')).code).toBe(2);
});

test('namespaces, users, tokens', async () => {
  expect((await run('namespace set research --cpu 4 --memory 8Gi')).stdout).toBe('research: 1 CPU, 512.0 MiB\n');
  expect((await run('namespace set research --unlimited')).stdout).toBe('research: no quota\n');
  expect(await json('namespace list')).toMatchObject({ items: [{ name: 'research', quota: null }] });
  expect((await run('user set ada --namespaces research,teaching --role user')).stdout).toBe(
    'ada: user, namespaces research, teaching\n',
  );
  expect(master.requests.at(-1)?.body).toEqual({ role: 'user', namespaces: ['research', 'teaching'] });
  expect((await run('user set ada --disable')).stdout).toContain('disabled');
  expect((await run('user set ada --disable --enable')).code).toBe(2);
  expect((await run('token issue ada -q')).stdout).toBe('cai_5yl3n8_secret\n');
  expect((await run('token list ada')).stdout).toContain('valid');
  expect((await run('token revoke nope')).code).toBe(3);
});

describe('errors', () => {
  test('as JSON they have the shape of the API', async () => {
    const { code, stdout, stderr } = await run('task show nope --json');
    expect([code, stdout]).toEqual([3, '']);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'task_unknown', requestId: 'r-1', remedy: expect.any(String) },
    });
  });

  test('a wrong token ends with 77 and does not appear', async () => {
    const { code, stderr } = await run('tasks --token cai_x_wrongsecret');
    expect(code).toBe(77);
    expect(stderr).not.toContain('wrongsecret');
    expect(stderr).toContain('CLOUDAI_TOKEN');
  });

  test('a quantity that the master refuses is a usage error with the field', async () => {
    const { code, stderr } = await run('submit --cpu NaN busybox');
    expect(code).toBe(2);
    expect(stderr).toContain('resources.cpu: "NaN"');
  });

  test('nobody there ends with 69 and says how to start one', async () => {
    const { code, stderr } = await run('tasks --url 127.0.0.1:1');
    expect(code).toBe(69);
    expect(stderr).toMatch(/error: nobody listens at 127\.0\.0\.1:1\n {2}Start one with `cloudai dev`/);
  });

  test('a defect of the master names the request', async () => {
    master.failNext('getCluster', { status: 500, code: 'internal' });
    const { code, stderr } = await run('status');
    expect(code).toBe(70);
    expect(stderr).toContain('request r-1');
  });

  test('without any cluster it says how to get one', async () => {
    const { code, stderr } = await runHere(['tasks']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/no cluster is known\n.*cloudai dev.*CLOUDAI_URL/);
  });

  test('Ctrl-C ends a command with 130', async () => {
    master.addTask({ task: aTask({ id: ID }) });
    const { code } = await run('logs -f aaaa', { onStart: (cli) => setTimeout(() => cli.interrupt('SIGINT'), 50) });
    expect(code).toBe(130);
  });
});

describe('context', () => {
  test('the file is made, kept secret, read, and its token goes to no other address', async () => {
    const env = { XDG_CONFIG_HOME: temporaryFolder() };
    const file = path.join(env.XDG_CONFIG_HOME, 'cloudai/context.yaml');
    const set = (args: string[]) => runHere(['config', 'set', ...args], { env });
    expect((await set(['token', 'x'])).code, 'the url comes first').toBe(2);
    expect((await set(['url', master.url])).code).toBe(0);
    expect((await set(['token', master.token])).code).toBe(0);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect((await runHere(['config', 'path'], { env })).stdout).toBe(`${file}\n`);
    const shown = await runHere(['config', 'show'], { env });
    expect(shown.stdout).toContain('cai_4xk2m7_...');
    expect(shown.stdout).not.toContain('secret');
    expect((await runHere(['scheduler', 'show'], { env })).stdout).toBe('greedy\n');
    await runHere(['scheduler', 'show', '--url', master.url.replace('127.0.0.1', 'localhost')], { env });
    expect(master.requests.at(-1)?.headers.authorization).toBeUndefined();
  });

  test('flags win over the environment, that over the file', async () => {
    await runHere(['tasks', '--token', 'from-flag'], { env: { ...envOf(master), CLOUDAI_TOKEN: 'from-env' } });
    await runHere(['--token', 'before-the-name', 'tasks'], { env: envOf(master) });
    expect(master.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer from-flag',
      'Bearer before-the-name',
    ]);
  });

  test('a broken file is told with its place', async () => {
    const env = { XDG_CONFIG_HOME: temporaryFolder() };
    const file = path.join(env.XDG_CONFIG_HOME, 'cloudai/context.yaml');
    fs.mkdirSync(path.dirname(file));
    for (const content of ['url: [', 'token: x', '7', 'url: 7']) {
      fs.writeFileSync(file, content);
      const { code, stderr } = await runHere(['tasks'], { env });
      expect(code).toBe(2);
      expect(stderr).toContain(file);
    }
  });
});

describe('completion', () => {
  async function complete(...words: string[]): Promise<string[]> {
    const { stdout } = await run(['complete', '--', ...words]);
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0] ?? '');
  }

  test('commands, subcommands, options and their words', async () => {
    expect(await complete('wo')).toEqual(['workers', 'worker']);
    expect(await complete('task', 'e')).toEqual(['explain', 'events']);
    expect(await complete('tasks', '--or')).toEqual(['--order']);
    expect(await complete('tasks', '--order', '')).toEqual(['newest', 'oldest', 'priority']);
    expect(await complete('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  test('ids that the master knows', async () => {
    master.addTask({ task: aTask({ id: ID }) });
    master.workers.set('worker-1', aWorker());
    expect(await complete('logs', '-f', 'aa')).toEqual([ID]);
    expect(await complete('task', 'show', '')).toEqual([ID]);
    expect(await complete('cancel', ID, '')).toEqual([ID]);
    expect(await complete('stats', '')).toEqual(['worker-1']);
    expect(await complete('worker', 'drain', 'w')).toEqual(['worker-1']);
  });

  test('a master that does not answer completes nothing and says nothing', async () => {
    const { stdout, stderr } = await runHere(['complete', '--', 'logs', ''], {
      env: { CLOUDAI_URL: 'http://127.0.0.1:1' },
    });
    expect([stdout, stderr]).toEqual(['', '']);
  });

  test('a script for each shell', async () => {
    for (const shell of ['bash', 'zsh', 'fish'])
      expect((await run(['completion', shell])).stdout).toContain('cloudai complete --');
    expect((await run('completion tcsh')).code).toBe(2);
  });
});

describe('at the prompt', () => {
  test('the older task shows what it sends and where it stands', async () => {
    master.workers.set('worker-1', aWorker());
    const { code, stdout } = await run('task busybox -cpu_cores 2.0', { isPrompt: true });
    expect(code).toBe(0);
    expect(stdout).toContain('│   CPU Cores:   2.0');
    expect(stdout).toContain(
      'Task submitted successfully. Queue position: 1. Scheduler will assign it to an available worker.',
    );
    expect(master.requests.at(-2)?.body).toEqual({
      image: 'busybox',
      resources: { cpu: '2.0', memory: '0.5', storage: '1.0', gpu: '0.0' },
    });
  });

  test('task and dispatch check the worker in the older words', async () => {
    master.workers.set('worker-2', aWorker({ id: 'worker-2', state: 'lost' }));
    expect((await run('dispatch nobody busybox', { isPrompt: true })).stderr).toContain('Worker nobody not found');
    expect((await run('dispatch worker-2 busybox', { isPrompt: true })).stderr).toContain(
      'Worker worker-2 is not active',
    );
    expect((await run('task worker-2 busybox', { isPrompt: true })).code).toBe(4);
    expect(master.tasks.size).toBe(0);
  });

  test('the subcommands of task are there as well', async () => {
    master.addTask({ task: aTask({ id: ID }) });
    expect((await run('task show aaaa -q', { isPrompt: true })).stdout).toBe(`${ID}\n`);
  });

  test('list-tasks groups by state, or shows one', async () => {
    master.addTask({ task: aTask({ id: ID, state: 'running' }) });
    master.addTask({ task: aTask({ id: 'bbbb', state: 'queued' }) });
    const { stdout } = await run('list-tasks', { isPrompt: true });
    expect(stdout).toMatch(/^running \(1\)\n[\s\S]*queued \(1\)\n/);
    expect((await run('list-tasks queued -q', { isPrompt: true })).stdout).toBe('bbbb\n');
    expect((await run('list-tasks nonsense', { isPrompt: true })).code).toBe(2);
  });

  test('monitor refuses a task of somebody else', async () => {
    master.addTask({ task: aTask({ id: ID, owner: 'ada' }) });
    master.append(ID, { kind: 'end', state: 'completed', reason: 'exit_zero', exitCode: 0, message: null });
    expect((await run('monitor aaaa admin', { isPrompt: true })).code).toBe(3);
    expect((await run('monitor aaaa ada', { isPrompt: true })).stdout).toContain('Task completed');
  });
});
