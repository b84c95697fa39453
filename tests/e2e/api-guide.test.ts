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
  expect(said('events?after=')).toMatch(/task_submitted$/);
  expect(JSON.parse(said('my-request-1'))).toMatchObject({ code: 'invalid_argument', requestId: 'my-request-1' });
  expect(said('session/codes').split('\n').slice(-2)).toEqual(['admin', '204']);
});
