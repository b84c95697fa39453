import fs from 'node:fs';
import path from 'node:path';
import { anArtifact, anAttempt, aTask } from '@cloudai/sdk/testing';
import stringWidth from 'string-width';
import { beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../testing/run.ts';
import { withMaster } from '../testing/with-master.ts';

const ID = 'aaaabbbbccccdddd';
const AT = '2026-11-22T12:00:00.000Z';

const cluster = withMaster();

describe('tasks', () => {
  beforeEach(() => {
    cluster.master.addTask({
      task: aTask({ id: ID, name: 'first', state: 'running', worker: 'worker-1', startedAt: AT }),
    });
    cluster.master.addTask({ task: aTask({ id: 'bbbb', state: 'failed', reason: 'oom', exitCode: 137 }) });
    cluster.master.addTask({
      task: aTask({ id: 'cccc', state: 'failed', reason: 'exit_nonzero', exitCode: 3, command: 'a\u001b[2Jb' }),
    });
  });

  test('as a table', async () => {
    const { stdout } = await cluster.run('tasks');
    expect(stdout).toMatch(/^ID +NAME +STATE +WORKER +AGE +RAN +IMAGE +COMMAND\n/);
    expect(stdout).toMatch(/aaaabbbbccccdddd +first +running +worker-1/);
    expect(stdout).toMatch(/bbbb .*failed \(oom\)/);
    expect(stdout).toMatch(/cccc .*failed \(exit 3\).*a\\e\[2Jb/);
  });

  test.each([60, 80, 120])('a table of %i columns fits', async (width) => {
    cluster.master.addTask({
      task: aTask({ id: 'dddd', name: 'x'.repeat(90), image: 'y'.repeat(90), command: '日本'.repeat(60) }),
    });
    const { stdout } = await cluster.run('tasks', { width });
    for (const line of stdout.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(width);
  });

  test('as JSON and as ids', async () => {
    expect(await cluster.json('tasks')).toMatchObject({
      items: [{ id: ID }, { id: 'bbbb' }, { id: 'cccc' }],
      next: null,
    });
    expect((await cluster.run('tasks -q')).stdout).toBe(`${ID}\nbbbb\ncccc\n`);
  });

  test('all filters go to the master', async () => {
    await cluster.run(
      'tasks aa -s running,queued --reason oom --owner me --worker w --job j --name n --image i -l a=b -l c=d --order oldest --limit 7',
    );
    expect(cluster.master.requests[0]?.query).toEqual({
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
    for (let index = 0; index < 1200; index++) cluster.master.addTask({ task: aTask({ id: `t${index}` }) });
    const some = await cluster.run('tasks --limit 5');
    expect(some.stdout.trim().split('\n').length).toBe(6);
    expect(some.stderr).toContain('--limit or --all');
    expect((await cluster.run('tasks --all -q')).stdout.trim().split('\n').length).toBe(1203);
  });

  test('none is no error', async () => {
    expect(await cluster.run('tasks -s cancelled')).toEqual({ code: 0, stdout: '', stderr: 'No tasks.\n' });
  });

  test('an answer for people has colours at a terminal, none with NO_COLOR', async () => {
    const colored = await cluster.run('tasks', { width: 120, env: { NO_COLOR: '' } });
    expect(colored.stdout).toContain('\u001b[');
    expect((await cluster.run('tasks', { width: 120 })).stdout).not.toContain('\u001b[');
  });
});

describe('task', () => {
  const artifact = anArtifact('sub/result.json', '{}\n');
  beforeEach(() => {
    cluster.master.addTask({
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
    cluster.master.addTask({ task: aTask({ id: 'bbbb', state: 'queued' }) });
    cluster.master.addTask({ task: aTask({ id: 'bbcc', state: 'queued' }) });
  });

  test('show takes a prefix', async () => {
    const { stdout } = await cluster.run('task show aaaa');
    for (const text of [ID, 'completed', 'a=b', '1 CPU, 512.0 MiB', 'sub/result.json']) expect(stdout).toContain(text);
    expect(await cluster.json('task show aaaa')).toMatchObject({ task: { id: ID }, attempts: [{ number: 1 }] });
  });

  test('explain gives the reason per worker and what helps', async () => {
    const { stdout } = await cluster.run('task explain bbb');
    expect(stdout).toContain('Insufficient CPU: worker has 2.00 available, task requires 3.00');
    expect(stdout).toContain('ask for 1.00 CPU less');
    expect(await cluster.json('task explain bbb')).toMatchObject({ taskId: 'bbbb', position: 1, couldEverFit: true });
  });

  test('efficiency says what was used of what was asked for', async () => {
    const { stdout } = await cluster.run('task efficiency aaaa');
    for (const text of ['1 on worker-1, succeeded', '50.0% of 1 CPU × 1m 0s', '25.0% of 512.0 MiB', '2.0 KiB in'])
      expect(stdout).toContain(text);
    expect(await cluster.json('task efficiency aaaa')).toMatchObject({ attempts: [{ cpuEfficiency: 0.5 }] });
    expect((await cluster.run('task efficiency bbbb')).stdout).toContain('not been started yet');
  });

  test('cancel takes many, reports those that fail and goes on', async () => {
    const { code, stdout, stderr } = await cluster.run('task cancel bbbb nope bbcc');
    expect(code).toBe(3);
    expect(stdout).toBe('bbbb cancelled\nbbcc cancelled\n');
    expect(stderr).toContain('nope');
    expect(await cluster.json('cancel bbbb')).toMatchObject({
      items: [{ id: 'bbbb', state: 'cancelled' }],
      next: null,
    });
  });

  test('retry, attempts, events, priority', async () => {
    expect((await cluster.run(`task retry ${ID}`)).stdout).toMatch(new RegExp(`^task\\d+ repeats ${ID}\n$`));
    expect((await cluster.run('task retry bbbb')).code).toBe(4);
    expect(await cluster.json(`task attempts ${ID}`)).toMatchObject({ items: [{ number: 1, state: 'succeeded' }] });
    expect((await cluster.run(`task events ${ID}`)).stdout).toContain('taskSubmitted');
    expect((await cluster.run('task priority bbbb 90')).stdout).toBe('bbbb has priority 90\n');
  });

  test('a mistyped subcommand is a mistake and no image', async () => {
    const { code, stderr } = await cluster.run('task shwo');
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean show?');
    expect(cluster.master.requests).toEqual([]);
  });

  test('artifacts: listed, fetched whole, checked', async () => {
    cluster.master.contents.set('sub/result.json', '{}\n');
    expect((await cluster.run('artifacts ls aaaa -q')).stdout).toBe('sub/result.json\n');
    const folder = temporaryFolder();
    const got = await cluster.run(['artifacts', 'get', 'aaaa', '-o', folder]);
    expect(got).toMatchObject({ code: 0, stdout: `${path.join(folder, 'sub/result.json')}\n` });
    expect(fs.readFileSync(path.join(folder, 'sub/result.json'), 'utf8')).toBe('{}\n');
    expect((await cluster.run(['artifacts', 'get', 'aaaa', '-o', folder])).code, 'is there already').toBe(4);
    expect((await cluster.run(['artifacts', 'get', 'aaaa', 'sub/result.json', '-o', '-'])).stdout).toBe('{}\n');
    cluster.master.contents.set('sub/result.json', 'tampered');
    const bad = await cluster.run(['artifacts', 'get', 'aaaa', '--force', '-o', folder]);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain('digest');
    expect(fs.readdirSync(path.join(folder, 'sub')), 'no remains').toEqual(['result.json']);
    expect((await cluster.run('artifacts get aaaa other')).stderr).toContain('the task left no other');
  });

  test('an artifact can not be written outside of the folder', async () => {
    for (const bad of ['../evil', '/etc/evil', 'a/../../evil']) {
      cluster.master.addTask({
        task: aTask({ id: 'evil', state: 'completed' }),
        attempts: [anAttempt({ artifacts: [anArtifact(bad, 'x')] })],
      });
      cluster.master.contents.set(bad, 'x');
      const { code, stderr } = await cluster.run(['artifacts', 'get', 'evil', '-o', temporaryFolder()]);
      expect(code).toBe(4);
      expect(stderr).toContain('outside');
    }
  });
});

describe('logs', () => {
  beforeEach(() => {
    cluster.master.addTask({ task: aTask({ id: ID }) });
    cluster.master.append(
      ID,
      { kind: 'data', attempt: 1, stream: 'stdout', offset: 0, at: AT, text: 'one\n' },
      { kind: 'data', attempt: 1, stream: 'stderr', offset: 0, at: AT, base64: '//4K' },
      { kind: 'dropped', attempt: 1, bytes: 77 },
      { kind: 'end', state: 'completed', reason: 'exit_zero', exitCode: 0, message: null },
    );
  });

  test('bytes as they are, the account of dropped ones beside them', async () => {
    const { code, stdout, stderr } = await cluster.run('logs aaaa');
    expect([code, stdout]).toEqual([0, 'one\n']);
    expect(stderr).toContain('77 bytes');
  });

  test('records as JSON lines', async () => {
    const lines = (await cluster.run('logs aaaa --json')).stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).kind)).toEqual(['data', 'data', 'dropped', 'end']);
  });

  test('options become the query', async () => {
    await cluster.run('logs -f --grep ERR --since 10m --tail 5 --stream stderr --attempt all aaaa');
    expect(cluster.master.requests[0]?.query).toEqual({
      follow: 'true',
      grep: 'ERR',
      since: '10m',
      tail: '5',
      stream: 'stderr',
      attempt: 'all',
    });
    expect((await cluster.run('logs --attempt x aaaa')).code).toBe(2);
  });
});
