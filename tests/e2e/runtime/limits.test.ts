// Each of these tasks does its best to take more than it was given.
import { expect, test } from 'vitest';
import { useDockerWorker } from './docker-worker.ts';

const worker = useDockerWorker();
const MIB = 2 ** 20;

test('half a core is half a core for four busy processes', async () => {
  const busy = "(timeout 3 sh -c 'while :; do :; done') &";
  const outcome = await worker.run1({ shell: `${busy} ${busy} ${busy} ${busy} wait; times`, cpuMillis: 500 });
  const [, children = ''] = outcome.stdout.trim().split('\n');
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, m, s]) => sum + Number(m) * 60 + Number(s),
    0,
  );
  expect(seconds).toBeLessThan(0.5 * 3 + 0.35);
});

test('more memory than asked for ends as oom', async () => {
  const outcome = await worker.run1({ exec: ['tail', '/dev/zero'], memoryBytes: 32 * MIB });
  expect(outcome).toMatchObject({
    reason: 'oom',
    exitCode: 137,
    message: 'killed for using more than its 32 MiB of memory; ask for more memory',
  });
});

test('there is no swap to escape to', async () => {
  const shell =
    'cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.swap.max';
  const outcome = await worker.run1({ shell, memoryBytes: 32 * MIB });
  expect([String(32 * MIB), '0']).toContain(outcome.stdout.trim());
});

test('a child killed for memory is a flag, not the outcome', async () => {
  const outcome = await worker.run1({ shell: 'tail /dev/zero; exit 3', memoryBytes: 32 * MIB });
  expect(outcome).toMatchObject({ reason: 'exit_nonzero', exitCode: 3 });
  expect(outcome.ended.oomInChild).toBe(true);
});

test('a fork bomb stops at the limit of processes', async () => {
  const shell = 'i=0; while [ $i -lt 800 ]; do sleep 20 & i=$((i+1)); echo $i; done; echo all';
  const outcome = await worker.run1({ shell, memoryBytes: 256 * MIB, spec: { timeoutMs: 15_000n } });
  const started = outcome.stdout.trim().split('\n');
  expect(started).not.toContain('all');
  expect(started.length).toBeLessThanOrEqual(512);
  expect(started.length).toBeGreaterThan(400);
});

test('more disk than asked for ends as storage_limit, in the container and in /output', async () => {
  for (const file of ['/big', '/output/big']) {
    const shell = `dd if=/dev/zero of=${file} bs=1M count=30 2>/dev/null; sleep 40`;
    const outcome = await worker.run1({ shell, storageBytes: 20 * MIB });
    expect(outcome.reason).toBe('storage_limit');
    expect(outcome.message).toContain(`asked for ${20 * MIB}`);
  }
});

test('what is used is told with the heartbeats, and the peak with the end', async () => {
  const key = worker.assign({
    shell: "dd if=/dev/zero of=/dev/shm/x bs=1M count=20 2>/dev/null; timeout 5 sh -c 'while :; do :; done'; exit 0",
    cpuMillis: 500,
  });
  const usage = await worker.master.until(() =>
    worker.master.session.heartbeats
      .flatMap(({ attempts }) => attempts)
      .find((one) => one.key?.taskId === key.taskId && one.cpuMillis > 50n),
  );
  expect(usage.memoryBytes).toBeGreaterThan(20n * BigInt(MIB));
  expect(usage.cpuMillis).toBeLessThan(700n);
  const outcome = await worker.outcome(key);
  expect(outcome.ended.peakMemoryBytes).toBeGreaterThan(20n * BigInt(MIB));
});
