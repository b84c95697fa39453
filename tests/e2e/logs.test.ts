// Logs are data: every byte, in order, live and from history, with an exact account of what the limit dropped.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkNumberedLines, collectLog } from './checks.ts';
import { IMAGE } from './cluster.ts';
import { useCluster } from './use-cluster.ts';

const MIB = 2 ** 20;
/** CLOUDAI_TEST_LINE_BYTES=1073741824 makes it the whole gigabyte. */
const LINE_BYTES = Number(process.env.CLOUDAI_TEST_LINE_BYTES ?? 200 * MIB);

const cluster = useCluster({ workers: [{ cpu: 4, memory: '4Gi', storage: '20Gi' }] });

async function submit(command: string, more: object = {}): Promise<string> {
  const task = await cluster.client.submitTask({
    image: IMAGE,
    command,
    resources: { cpu: 1, memory: '256Mi' },
    ...more,
  });
  return task.id;
}

test('200,000 lines arrive live, all of them and in order, and are the same from history', async () => {
  const id = await submit('seq 1 200000');
  const live = await collectLog(cluster.client, id, { follow: true });
  checkNumberedLines(live.stdout, 200_000);
  expect(live.end).toMatchObject({ state: 'completed', exitCode: 0 });
  const history = await collectLog(cluster.client, id);
  expect(history.stdout.equals(live.stdout)).toBe(true);
  expect(history.dropped).toBe(0);
});

test('the command line prints them unchanged', async () => {
  const id = await submit('seq 1 200000');
  await cluster.client.waitForTask(id);
  checkNumberedLines(Buffer.from(await cluster.run('logs', id)), 200_000);
});

test('a line is seen within a quarter of a second of being printed', async () => {
  const { id } = await cluster.client.submitTask({
    image: 'cloudai/node:local',
    command: ['node', '-e', 'let n = 20; setInterval(() => n-- > 0 ? console.log(Date.now()) : process.exit(), 100)'],
    resources: { cpu: 1, memory: '256Mi' },
  });
  // The container's clock is this machine's.
  const delaysMs: number[] = [];
  for await (const record of cluster.client.readLogs(id, { follow: true })) {
    if (record.kind === 'data' && 'text' in record) {
      for (const line of record.text.trim().split('\n')) delaysMs.push(Date.now() - Number(line));
    }
  }
  expect(delaysMs.length).toBe(20);
  const median = delaysMs.sort((a, b) => a - b)[10]!;
  expect(median).toBeLessThan(250);
});

test('both streams are kept apart', async () => {
  const id = await submit('for i in 1 2 3; do echo out-$i; echo err-$i >&2; done');
  await cluster.client.waitForTask(id);
  const log = await collectLog(cluster.client, id);
  checkNumberedLines(log.stdout, 3, 'out-');
  checkNumberedLines(log.stderr, 3, 'err-');
  const onlyErrors = await collectLog(cluster.client, id, { stream: 'stderr' });
  expect(onlyErrors.stdout).toHaveLength(0);
  checkNumberedLines(onlyErrors.stderr, 3, 'err-');
});

test('binary output keeps every byte', async () => {
  const id = await submit('head -c 3000000 /dev/urandom > /tmp/x; cat /tmp/x; sha256sum < /tmp/x >&2');
  const { stdout, stderr } = await collectLog(cluster.client, id, { follow: true });
  expect(stdout).toHaveLength(3_000_000);
  expect(sha256(stdout)).toBe(stderr.toString().slice(0, 64));
});

test(`a line of ${LINE_BYTES / MIB} MiB without an end is whole`, {
  timeout: 120_000 + LINE_BYTES / 2000,
}, async () => {
  const id = await submit(`head -c ${LINE_BYTES} /dev/zero | tr '\\0' x`, {
    logLimit: `${LINE_BYTES / MIB}Mi`,
  });
  const { task } = await cluster.client.waitForTask(id);
  expect(task).toMatchObject({ state: 'completed' });
  let bytes = 0;
  for await (const record of cluster.client.readLogs(id)) {
    if (record.kind !== 'data') continue;
    expect(record.offset).toBe(bytes);
    const data = 'text' in record ? Buffer.from(record.text) : Buffer.from(record.base64, 'base64');
    if (data.some((byte) => byte !== 0x78)) throw new Error(`a foreign byte after ${bytes}`);
    bytes += data.length;
  }
  expect(bytes).toBe(LINE_BYTES);
});

test('a flood is kept up to the limit, and what was dropped is counted to the byte', async () => {
  const total = 8_000_000;
  const limit = MIB;
  const id = await submit(`yes | head -c ${total}`, { logLimit: '1Mi' });
  const { task, attempts } = await cluster.client.waitForTask(id);
  expect(task).toMatchObject({ state: 'completed', exitCode: 0 });
  const { stdout, dropped } = await collectLog(cluster.client, id);
  expect(stdout).toHaveLength(limit);
  expect(stdout.equals(Buffer.alloc(limit, 'y\n'))).toBe(true);
  expect(dropped).toBe(total - limit);
  expect(attempts[0]!.logBytes).toEqual({ stdout: limit, stderr: 0, dropped });
});

test('a task that asked for it fails at the limit of its log', async () => {
  const id = await submit('yes', { logLimit: '1Mi', logPolicy: 'fail' });
  const { task } = await cluster.client.waitForTask(id);
  expect(task).toMatchObject({ state: 'failed', reason: 'log_limit' });
});

test('history can be searched and cut', async () => {
  const id = await submit('seq 1 5000');
  await cluster.client.waitForTask(id);
  const lines = async (query: object) => (await collect(id, query)).trim().split('\n');
  expect(await lines({ tail: 3 })).toEqual(['4998', '4999', '5000']);
  expect(await lines({ grep: '499' })).toEqual(['499', '1499', '2499', '3499', '4499', ...range(4990, 4999)]);
  expect(await lines({ regex: '^12.4$' })).toEqual([
    '1204',
    '1214',
    '1224',
    '1234',
    '1244',
    '1254',
    '1264',
    '1274',
    '1284',
    '1294',
  ]);
});

test('a slow reader costs a quick one nothing', async () => {
  const id = await submit('seq 1 100000; sleep 1; seq 100001 200000');
  const slow = cluster.client.readLogs(id, { follow: true })[Symbol.asyncIterator]();
  await slow.next();
  const quick = await collectLog(cluster.client, id, { follow: true });
  checkNumberedLines(quick.stdout, 200_000);
  await slow.return?.();
});

async function collect(id: string, query: object): Promise<string> {
  let text = '';
  for await (const record of cluster.client.readLogs(id, query)) {
    if (record.kind === 'data') text += 'text' in record ? record.text : '';
  }
  return text;
}

function range(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
