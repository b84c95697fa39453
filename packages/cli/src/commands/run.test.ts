import { describe, expect, test } from 'vitest';
import { withMaster } from '../testing/with-master.ts';

const AT = '2026-11-22T12:00:00.000Z';

const cluster = withMaster();

/** Lets a submitted task print and end. */
function script(exitCode: number | null, fields: object = {}, output = 'hello\n'): void {
  cluster.master.onSubmit = ({ id }) => {
    setTimeout(() => {
      cluster.master.append(id, { kind: 'data', attempt: 1, stream: 'stdout', offset: 0, at: AT, text: output });
      cluster.master.append(id, { kind: 'data', attempt: 1, stream: 'stderr', offset: 0, at: AT, text: 'oops\n' });
      cluster.master.end(id, { state: exitCode === 0 ? 'completed' : 'failed', exitCode, ...fields });
    }, 10);
  };
}

describe('run', () => {
  test('prints the streams apart and ends with the code of the task', async () => {
    script(42, { reason: 'exit_nonzero', message: 'Exit code 42.' });
    const { code, stdout, stderr } = await cluster.run('run busybox sh -c exit');
    expect(code).toBe(42);
    expect(stdout).toBe('hello\n');
    expect(stderr).toMatch(/^task task\w+\noops\ntask task\w+ failed: Exit code 42\. \(exit_nonzero\)\n$/);
  });

  test('says nothing of its own with --quiet', async () => {
    script(0, { reason: 'exit_zero' });
    expect(await cluster.run('run -q busybox')).toEqual({ code: 0, stdout: 'hello\n', stderr: 'oops\n' });
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
    expect((await cluster.run('run busybox')).code).toBe(expected);
  });

  test('what stands after the image is the command, whatever it looks like', async () => {
    script(0);
    await cluster.run(['run', '--cpu', '2', 'busybox', 'printf', '%s', '--cpu', '-n', 'a b']);
    await cluster.run(['run', 'busybox', '--', 'echo', '--', 'x']);
    expect(
      cluster.master.requests.filter(({ operation }) => operation === 'submitTask').map(({ body }) => body),
    ).toEqual([
      { image: 'busybox', command: ['printf', '%s', '--cpu', '-n', 'a b'], resources: { cpu: '2' } },
      { image: 'busybox', command: ['echo', '--', 'x'] },
    ]);
  });

  test('Ctrl-C cancels the task and waits for its end', async () => {
    const { code, stderr } = await cluster.run('run busybox', {
      onStart: (cli) => {
        cluster.master.onSubmit = () => setTimeout(() => cli.interrupt('SIGINT'), 30);
      },
    });
    expect(code).toBe(130);
    expect(stderr).toContain('cancelling task');
    expect([...cluster.master.tasks.values()].map(({ task }) => task.state)).toEqual(['cancelled']);
  });

  test('a second Ctrl-C leaves the task to itself', async () => {
    cluster.master.failNext('cancelTask', { status: 404, code: 'task_unknown' });
    const { code } = await cluster.run('run busybox', {
      onStart: (cli) => {
        cluster.master.onSubmit = () => {
          setTimeout(() => cli.interrupt('SIGINT'), 30);
          setTimeout(() => cli.interrupt('SIGINT'), 40);
          setTimeout(() => cli.interrupt('SIGINT'), 300);
        };
      },
    });
    expect(code).toBe(130);
    expect([...cluster.master.tasks.values()].map(({ task }) => task.state)).toEqual(['queued']);
  });

  test('a broken connection in between goes unnoticed', async () => {
    script(0, {}, 'all of it\n');
    cluster.master.logCuts.push(1);
    expect((await cluster.run('run -q busybox')).stdout).toBe('all of it\n');
  });
});
