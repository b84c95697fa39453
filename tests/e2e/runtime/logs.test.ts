// What a task writes is what the master gets, byte for byte.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { useDockerWorker } from './docker-worker.ts';

const worker = useDockerWorker();
const MIB = 2 ** 20;
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test.each([
  ['no newline at the end', 'printf abc', Buffer.from('abc')],
  ['only newlines', String.raw`printf "\n\n\n"`, Buffer.from('\n\n\n')],
  [
    'control characters and bytes that are no text',
    String.raw`printf "a\r\nb\0c\377\033[0m\n"`,
    Buffer.from('a\r\nb\0c\xff\x1b[0m\n', 'latin1'),
  ],
  ['a line of exactly 16 KiB', 'head -c 16384 /dev/zero | tr "\\0" x; echo', Buffer.from(`${'x'.repeat(16_384)}\n`)],
  [
    'a line of 48 KiB in pieces',
    'head -c 16384 /dev/zero | tr "\\0" x; sleep 0.3; head -c 32768 /dev/zero | tr "\\0" y; sleep 0.3; echo; echo z',
    Buffer.from(`${'x'.repeat(16_384)}${'y'.repeat(32_768)}\nz\n`),
  ],
  ['nothing', 'true', Buffer.alloc(0)],
])('%s', async (_what, shell, expected) => {
  const { log } = await worker.run1({ shell });
  expect(log.stdout.equals(expected)).toBe(true);
});

test('every byte there is, on both streams, against a digest made in the container', async () => {
  const make =
    'i=0; while [ $i -lt 400 ]; do cat /bin/busybox | head -c 20011 | tail -c 9973; i=$((i+1)); done >/tmp/all';
  const shell = `mkdir -p /tmp; ${make}; cat /tmp/all; cat /tmp/all >&2; sha256sum /tmp/all | cut -d" " -f1 >/output/digest`;
  const { log, key } = await worker.run1({ shell });
  const digest = worker.master.artifacts.get(`${key.taskId}.1`)?.[0]?.data.toString().trim();
  expect(log.stdout.length).toBe(400 * 9_973);
  expect(sha256(log.stdout)).toBe(digest);
  expect(sha256(log.stderr)).toBe(digest);
});

test('200,000 lines', async () => {
  const { stdout, ended } = await worker.run1({ shell: 'seq 1 200000', cpuMillis: 1_000 });
  const expected = `${Array.from({ length: 200_000 }, (_, index) => index + 1).join('\n')}\n`;
  expect(stdout === expected).toBe(true);
  expect(Number(ended.stdoutBytes)).toBe(expected.length);
});

test('one line of 20 MB without an end', async () => {
  const { log, ended } = await worker.run1({ shell: 'head -c 20000000 /dev/zero | tr "\\0" q', cpuMillis: 1_000 });
  expect(log.stdout.length).toBe(20_000_000);
  expect(log.stdout.equals(Buffer.alloc(20_000_000, 'q'))).toBe(true);
  expect(ended.droppedLogBytes).toBe(0n);
});

test('a flood is kept up to the limit, and what is beyond is counted to the byte', async () => {
  const lines = 1_500_000;
  const shell = `yes "a line of exactly forty bytes, newline inc" | head -n ${lines}`;
  const { log, ended, reason } = await worker.run1({
    shell,
    cpuMillis: 2_000,
    spec: { logLimitBytes: BigInt(MIB) },
  });
  const line = Buffer.from('a line of exactly forty bytes, newline inc\n');
  expect(reason).toBe('exit_zero');
  expect(log.stdout.length).toBe(MIB);
  expect(log.stdout.equals(Buffer.alloc(MIB, line))).toBe(true);
  expect(Number(ended.droppedLogBytes)).toBe(lines * line.length - MIB);
  expect(log.dropped).toBe(lines * line.length - MIB);
});

test('with the policy fail, a flood ends the task', async () => {
  const { reason, log } = await worker.run1({
    shell: 'yes',
    cpuMillis: 1_000,
    spec: { logLimitBytes: BigInt(MIB), logPolicy: 'fail' },
  });
  expect(reason).toBe('log_limit');
  expect(log.stdout.length).toBe(MIB);
});

test('a line arrives while the task still runs', async () => {
  // Each line says how long the machine is up, in hundredths of a second.
  const key = worker.assign({ shell: 'while :; do cut -d" " -f1 /proc/uptime; sleep 0.5; done' });
  const delays: number[] = [];
  let seen = 0;
  await worker.master.until(() => {
    const lines = worker.master.log(key).stdout.toString().trim().split('\n').filter(Boolean);
    for (; seen < lines.length; seen += 1) delays.push(uptimeMs() - Number(lines[seen]) * 1_000);
    return seen >= 6;
  });
  worker.master.session.send({ case: 'cancel', value: { key, reason: 'cancelled_by_user', graceMs: 100n } });
  await worker.outcome(key);
  // The first one includes the start; the others are on their way for milliseconds.
  expect(delays.slice(1).sort((a, b) => a - b)[2]).toBeLessThan(250);
});

function uptimeMs(): number {
  return Number(fs.readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1_000;
}
