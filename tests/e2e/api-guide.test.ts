// docs/guides/api.md is what it says: its commands run from top to bottom against a real master and worker.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { IMAGE, ROOT } from './cluster.ts';
import { useCluster } from './use-cluster.ts';

const cluster = useCluster();
const GUIDE = path.join(ROOT, 'docs/guides/api.md');
const MARK = '=== block';

/** One script, so that what one block sets the next one has; a mark between them. */
function scriptOf(guide: string): { readonly script: string; readonly blocks: readonly string[] } {
  const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  // The image of the guide is the public one; here it is the local one of the same content.
  const local = blocks.map((block) => block.replaceAll('busybox:1', IMAGE));
  return { script: local.map((block, index) => `printf "\\n${MARK} ${index}\\n"\n${block}`).join('\n'), blocks };
}

test('the commands of the API guide work', () => {
  const { script, blocks } = scriptOf(fs.readFileSync(GUIDE, 'utf8'));
  expect(blocks.length).toBeGreaterThan(12);
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', script], {
    env: { ...cluster.env, CLOUDAI_URL: cluster.url, CLOUDAI_TOKEN: cluster.token },
    encoding: 'utf8',
    timeout: 100_000,
  });
  expect(status, `${stdout}\n${stderr}`).toBe(0);
  const outputs = stdout.split(new RegExp(`^${MARK} \\d+\\n`, 'm')).slice(1);
  const said = (words: string) => {
    const index = blocks.findIndex((block) => block.includes(words));
    expect(index, words).toBeGreaterThanOrEqual(0);
    return outputs[index]!.trim();
  };
  expect(JSON.parse(said('tasks/validate'))).toMatchObject({ accepted: true, when: 'now', worker: 'worker-1' });
  expect(said('follow=true')).toContain('stdout: hello');
  expect(said('follow=true')).toContain('stderr: oops');
  expect(JSON.parse(said('follow=true').slice(said('follow=true').indexOf('{')))).toMatchObject({
    state: 'completed',
    exitCode: 0,
  });
  expect(said('offset=1&bytes=3')).toMatch(/^hello\noops\n+ell$/);
  expect(said('/archive')).toContain('result.json');
  expect(said('order=newest').split('\n')[0]).toBe('task_completed');
  expect(said('"dryRun": true').split('\n').slice(0, 2)).toEqual(['["would"]', '{"done":1,"refused":0}']);
  expect(said('If-Match').split('\n').slice(0, 2)).toEqual(['80', 'precondition_failed']);
  expect(said('events?after=')).toBe('task_submitted');
  expect(JSON.parse(said('my-request-1'))).toMatchObject({ code: 'invalid_argument', requestId: 'my-request-1' });
  expect(said('session/codes').split('\n').slice(-2)).toEqual(['admin', '204']);
});

test('the client library does the same', async () => {
  const { client } = cluster;
  const preview = await client.validateTask({ image: IMAGE, command: 'true', resources: { cpu: '100m' } });
  expect(preview).toMatchObject({ accepted: true, wouldStart: { when: 'now', worker: 'worker-1' } });
  const later = { image: IMAGE, startAfter: '2040-01-01T00:00:00Z' };
  const { jobId, taskIds } = await client.submitJob({
    name: 'by library',
    tasks: [{ image: IMAGE, command: 'echo {} > /output/a.json', resources: { memory: '64Mi' } }, later, later],
  });
  await client.waitForTask(taskIds[0]!);
  expect(await client.getJob(jobId)).toMatchObject({ name: 'by library', tasks: { completed: 1, pending: 2 } });
  const parts: Uint8Array[] = [];
  for await (const part of (await client.getArchive(taskIds[0]!)).stream) parts.push(part);
  const tar = spawnSync('tar', ['-t'], { input: Buffer.concat(parts), encoding: 'utf8' });
  expect(tar.stdout.trim()).toBe('a.json');
  // Walked backwards in pages, a timeline is the same as forwards.
  const forwards = await client.listTaskEvents(taskIds[0]!).take(100);
  const backwards = await client.listTaskEvents(taskIds[0]!, { order: 'newest', limit: 2 }).take(100);
  expect(backwards.toReversed()).toEqual(forwards);
  expect((await client.listWorkerEvents('worker-1', { order: 'newest' }).take(1))[0]?.worker).toBe('worker-1');
  expect((await client.listWorkerTasks('worker-1', { state: 'completed' }).take(1))[0]?.id).toBe(taskIds[0]);
  const cancelled = await client.cancelTasks({ filter: { job: jobId } });
  expect(cancelled).toMatchObject({ done: 2, refused: 0, more: false });
  expect((await client.retryTasks({ ids: [taskIds[1]!] })).items[0]?.newTask).toEqual(expect.any(String));
  expect((await client.cancelJob(jobId)).items).toEqual([]);
  expect((await client.listJobs({ name: 'by library' }).take(5)).map(({ id }) => id)).toEqual([jobId]);
  const { code } = await client.createLoginCode();
  expect((await client.createSession({ code })).user).toBe('admin');
  expect((await client.getSession()).role).toBe('admin');
});
