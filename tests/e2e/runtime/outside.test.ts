// What others do to our containers, and what a restart of the worker finds.
import { expect, test } from 'vitest';
import { until } from '../wait.ts';
import { useDockerWorker } from './docker-worker.ts';

const worker = useDockerWorker();
const sleeping = { shell: 'trap "exit 0" TERM; while :; do sleep 0.1; done' };

test.each([
  ['kill -9', (name: string) => worker.docker.kill(name)],
  ['docker stop', (name: string) => worker.docker.bytes('POST', `/containers/${name}/stop?t=5`)],
  ['docker rm -f', (name: string) => worker.docker.remove(name)],
])('%s from outside: external, never a result of the task', async (_what, attack) => {
  const key = worker.assign(sleeping);
  await worker.master.running(key);
  const before = performance.now();
  await attack(worker.containerName(key));
  const outcome = await worker.outcome(key);
  expect(outcome).toMatchObject({ reason: 'external', exitCode: undefined });
  expect(performance.now() - before).toBeLessThan(8_000);
});

test('a restart from outside: external, and no second process stays', async () => {
  const key = worker.assign({ shell: 'echo start; trap "exit 0" TERM; while :; do sleep 0.1; done' });
  await worker.master.running(key);
  // Refused when the worker was quicker to remove it than the engine to start it again.
  await worker.docker.bytes('POST', `/containers/${worker.containerName(key)}/restart?t=1`).catch(() => {});
  expect(await worker.outcome(key)).toMatchObject({ reason: 'external' });
  await until(async () => (await worker.containers()).length === 0, { what: 'the restarted container to be removed' });
});

test('a signal that does not end it means nothing', async () => {
  const key = worker.assign({
    shell: 'trap "echo hup" HUP; i=0; while [ $i -lt 10 ]; do sleep 0.2; i=$((i+1)); done; exit 4',
  });
  await worker.master.running(key);
  await worker.docker.kill(worker.containerName(key), 'SIGHUP');
  expect(await worker.outcome(key)).toMatchObject({ reason: 'exit_nonzero', exitCode: 4 });
});

test('paused: shown as paused, its time goes on, and it can be ended', async () => {
  const key = worker.assign({ shell: 'sleep 60', spec: { timeoutMs: 4_000n } });
  await worker.master.running(key);
  await worker.docker.bytes('POST', `/containers/${worker.containerName(key)}/pause`);
  await worker.master.until(() =>
    worker.master.session.heartbeats.some(({ attempts }) =>
      attempts.some((one) => one.key?.taskId === key.taskId && one.paused),
    ),
  );
  expect(await worker.outcome(key)).toMatchObject({ reason: 'timeout' });
});

test('the worker is restarted while tasks run, end and are being stopped', async () => {
  const numbers = worker.assign({
    shell: 'i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); sleep 0.02; done',
    cpuMillis: 1_000,
  });
  const ending = worker.assign({ shell: 'echo before; sleep 1; echo after; echo x >/output/x; exit 7' });
  const limited = worker.assign({
    shell: 'trap "" TERM; while :; do sleep 0.1; done',
    spec: { timeoutMs: 500n, stopGraceMs: 3_000n },
  });
  for (const key of [numbers, ending, limited]) await worker.master.running(key);
  await worker.master.until(() => worker.master.log(numbers).bytes.stdout > 100);
  await new Promise((resolve) => setTimeout(resolve, 900));
  await worker.worker.stop();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await worker.run();
  expect(await worker.outcome(ending)).toMatchObject({
    reason: 'exit_nonzero',
    exitCode: 7,
    stdout: 'before\nafter\n',
    artifacts: ['x'],
  });
  expect(await worker.outcome(limited)).toMatchObject({ reason: 'timeout' });
  expect(await worker.outcome(numbers)).toMatchObject({
    reason: 'exit_zero',
    stdout: Array.from({ length: 300 }, (_, index) => `${index}\n`).join(''),
  });
});

test('two hundred small tasks leave nothing behind', async () => {
  const outcomes: Promise<{ reason: string; stdout: string }>[] = [];
  const lanes = Array.from({ length: 8 }, async (_, lane) => {
    for (let index = 0; index < 25; index += 1) {
      const outcome = worker.run1({ shell: `echo ${lane}.${index}; echo x >/output/x` });
      outcomes.push(outcome);
      expect((await outcome).stdout).toBe(`${lane}.${index}\n`);
    }
  });
  await Promise.all(lanes);
  expect((await Promise.all(outcomes)).every(({ reason }) => reason === 'exit_zero')).toBe(true);
  await worker.isClean();
});
