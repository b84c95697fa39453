// How attempts end on a real engine, and what a container may do.
import { expect, test } from 'vitest';
import { useDockerWorker } from './docker-worker.ts';

const worker = useDockerWorker();

test.each([
  ['exit 0', 'exit_zero', 0],
  ['exit 3', 'exit_nonzero', 3],
  ['exit 255', 'exit_nonzero', 255],
  ['nosuchcommand', 'exit_nonzero', 127],
  ['kill -9 $$', 'exit_nonzero', 137],
  ['kill -TERM $$', 'exit_nonzero', 143],
])('%s: %s', async (shell, reason, exitCode) => {
  expect(await worker.run1({ shell })).toMatchObject({ reason, exitCode });
});

test('arguments reach the command as they are', async () => {
  const args = ['printf', '%s|', 'a b', '$HOME', '', "it's", 'ü\n'];
  expect((await worker.run1({ exec: args })).stdout).toBe("a b|$HOME||it's|ü\n|");
});

test.each([
  ['that does not exist', ['/nosuch', 'x'], 127, /\/nosuch failed: No such file or directory/],
  ['that is not executable', ['/etc/passwd'], 126, /\/etc\/passwd failed: Permission denied/],
])('a command %s', async (_what, exec, exitCode, message) => {
  const outcome = await worker.run1({ exec });
  expect(outcome).toMatchObject({ reason: 'command_error', exitCode });
  expect(outcome.message).toMatch(message);
});

test('a user that does not exist in the image', async () => {
  const outcome = await worker.run1({ shell: 'id', spec: { user: 'nobodyhere' } });
  expect(outcome).toMatchObject({ reason: 'command_error', exitCode: 126 });
  expect(outcome.message).toContain('nobodyhere');
});

test('a working directory that is not a path', async () => {
  const outcome = await worker.run1({ shell: 'pwd', spec: { workingDir: 'relative' } });
  expect(outcome.reason).toBe('command_error');
  expect(outcome.message).toContain('relative');
});

test('an image that does not exist: what was asked, what was said, what to do', async () => {
  const outcome = await worker.run1({ image: 'cloudai/no-such-image:1', spec: { pull: 'never' } });
  expect(outcome).toMatchObject({ reason: 'image_error', exitCode: undefined });
  expect(outcome.message).toBe(
    'image "cloudai/no-such-image:1" is not on this worker, and the task says pull=never; pull it there or use pull=missing',
  );
});

test('an image that is here is used although no registry has it', async () => {
  expect(await worker.run1({ shell: 'echo here', spec: { pull: 'always' } })).toMatchObject({ stdout: 'here\n' });
});

test('environment, working directory and user', async () => {
  const shell = 'echo $A; pwd; id -u; echo $CLOUDAI_TASK_ID $CLOUDAI_ATTEMPT $CLOUDAI_FENCE';
  const outcome = await worker.run1({ shell, spec: { env: { A: 'x y' }, workingDir: '/work', user: '1234' } });
  expect(outcome.stdout).toBe(`x y\n/work\n1234\n${outcome.key.taskId} 1 1\n`);
});

test('a standard container has no capabilities, no new privileges, a filter, a bounded number of processes', async () => {
  const shell = 'grep -E "^(CapBnd|CapEff|NoNewPrivs|Seccomp):" /proc/self/status; cat /proc/1/comm; ulimit -c; id -u';
  const { stdout } = await worker.run1({ shell });
  expect(stdout.replaceAll('\t', ' ')).toBe(
    'CapEff: 0000000000000000\nCapBnd: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2\ndocker-init\n0\n0\n',
  );
});

test('a restricted one cannot write but to /tmp and /output, is nobody, and has no network', async () => {
  const shell = [
    'id -u',
    'id -g',
    'touch /x 2>/dev/null || echo read-only',
    'echo a >/tmp/x && echo tmp',
    'echo b >/output/x && echo output',
    'ls /sys/class/net',
    'cp /bin/busybox /tmp/b && /tmp/b true 2>/dev/null || echo noexec',
  ].join('; ');
  const outcome = await worker.run1({ shell, spec: { profile: 'restricted', network: 'bridge', user: '0' } });
  expect(outcome.stdout).toBe('65534\n65534\nread-only\ntmp\noutput\nlo\nnoexec\n');
  expect(outcome.artifacts).toEqual(['x']);
});

test('two tasks on the bridge do not reach each other', async () => {
  const listener = worker.assign({
    shell: 'hostname -i; timeout 8 nc -l -p 7777; true',
    spec: { network: 'bridge' },
  });
  const address = await worker.master.until(() => /[\d.]+/.exec(worker.master.log(listener).stdout.toString())?.[0]);
  const caller = await worker.run1({
    shell: `echo hello | timeout 3 nc ${address} 7777 && echo reached; echo done`,
    spec: { network: 'bridge' },
  });
  expect(caller.stdout).toBe('done\n');
  worker.master.session.send({
    case: 'cancel',
    value: { key: listener, reason: 'cancelled_by_user', graceMs: 100n },
  });
  await worker.outcome(listener);
});

test('a cancel sends the stop signal, waits for the grace, and kills', async () => {
  const polite = worker.assign({
    shell: 'trap "echo bye; exit 5" INT; while :; do sleep 0.1; done',
    spec: { stopSignal: 'SIGINT' },
  });
  const stubborn = worker.assign({ shell: 'trap "" TERM; while :; do sleep 0.1; done' });
  for (const key of [polite, stubborn]) {
    await worker.master.running(key);
    worker.master.session.send({ case: 'cancel', value: { key, reason: 'cancelled_by_user', graceMs: 2_000n } });
  }
  expect(await worker.outcome(polite)).toMatchObject({ reason: 'cancelled_by_user', exitCode: 5, stdout: 'bye\n' });
  expect(await worker.outcome(stubborn)).toMatchObject({ reason: 'cancelled_by_user', exitCode: 137 });
});

test('a time limit ends it', async () => {
  const outcome = await worker.run1({ shell: 'sleep 60', spec: { timeoutMs: 700n } });
  expect(outcome).toMatchObject({ reason: 'timeout', message: 'ran for longer than its time limit of 700 ms' });
  expect(Number(outcome.ended.endedAt - outcome.ended.startedAt)).toBeLessThan(5_000);
});
