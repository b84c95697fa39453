// `top` on a real terminal, and `events -f`, against a real cluster.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { HAS_SCRIPT, type RunningProcess, runOnTerminal, runProcess } from '../../packages/cli/src/testing/run.ts';
import { IMAGE } from './cluster.ts';
import { useCluster } from './use-cluster.ts';
import { until } from './wait.ts';

const cluster = useCluster({ workers: [{ cpu: 4, memory: '2Gi', storage: '10Gi' }] });
const running: RunningProcess[] = [];
afterEach(() => {
  for (const process of running.splice(0)) process.signal('SIGKILL');
});

/** The lines of the newest whole screen, without colours. */
function screen(top: RunningProcess): string[] {
  const frames = top.output().split('\u001b[H').slice(1);
  const whole = frames.filter((frame) => frame.includes('\u001b[J')).at(-1) ?? '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is removed
  return whole.replaceAll(/\u001b\[[?0-9;]*[A-Za-z]/g, '').split(/\r*\n/);
}

function shows(top: RunningProcess, pattern: RegExp): Promise<unknown> {
  return until(() => screen(top).some((line) => pattern.test(line)) || screenAsError(top), {
    what: `a line like ${pattern}`,
  });
}

function outputAsError(process: RunningProcess): never {
  throw new Error(`so far: ${process.output()}`);
}

/** The last try is in the error of a wait. */
function screenAsError(top: RunningProcess): never {
  throw new Error(`the screen is\n${screen(top).join('\n')}`);
}

test.skipIf(!HAS_SCRIPT)('tasks, workers and queue live on the screen, through a resize and a restart', async () => {
  const top = runOnTerminal(['top'], cluster.env, 20);
  running.push(top);
  await shows(top, /^cloudai top {2}\[live\] {2}cluster/);
  await shows(top, /No task runs/);
  const { id } = await cluster.client.submitTask({
    image: IMAGE,
    command: 'sleep 300',
    resources: { cpu: 1, memory: '64Mi' },
  });
  await shows(top, new RegExp(`^${id} .*running .*worker-1`));
  await shows(top, /CPU \[###\.{7}\] 1\/4/);
  const waiting = await cluster.client.submitTask({ image: IMAGE, resources: { cpu: 4, memory: '64Mi' } });
  top.type('3');
  await shows(top, new RegExp(`^ *1 +${waiting.id}`));
  top.type('2');
  await shows(top, /^worker-1 +active +1 +1\/4/);

  // A smaller window: the program is told, and draws no more than fits.
  execFileSync('stty', ['-F', terminalOf(top.pid), 'rows', '9', 'cols', '60']);
  await until(() => screen(top).length === 9, { what: 'nine lines' });
  expect(
    Math.max(
      ...screen(top)
        .slice(0, 3)
        .map((line) => line.length),
    ),
  ).toBeLessThanOrEqual(60);

  await cluster.restartMaster('kill9');
  await until(() => top.output().includes('[stale]'), { what: 'the break to be shown' });
  await shows(top, /\[live\]/);
  top.type('1');
  await shows(top, new RegExp(`^${id}`));
  await cluster.client.cancelTask(id);
  await cluster.client.cancelTask(waiting.id);
  await shows(top, /No task runs/);
  top.type('q');
  const { code } = await top.ended;
  expect(code).toBe(0);
  // The screen of before is back, and the cursor.
  expect(top.output().trimEnd().endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
});

/** The pseudo-terminal that `script` has made for its child. */
function terminalOf(pid: number): string {
  let leaf = pid;
  for (;;) {
    const [child] = fs.readFileSync(`/proc/${leaf}/task/${leaf}/children`, 'utf8').split(' ');
    if (child === undefined || child === '') break;
    leaf = Number(child);
  }
  return fs.readlinkSync(`/proc/${leaf}/fd/0`);
}

test('without a terminal it says what to use instead', async () => {
  const { code, stderr } = await cluster.cli(['top']);
  expect(code).toBe(2);
  expect(stderr).toContain('cloudai status --json');
});

test('events are followed, each once, over a restart of the master', async () => {
  const following = runProcess(['events', '-f', '--after', '0', '--json'], cluster.env);
  running.push(following);
  const sequences = () =>
    following
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => (JSON.parse(line) as { sequence: number }).sequence);
  await until(() => sequences().length > 5 || outputAsError(following), { what: 'events of the past' });
  await cluster.restartMaster('stop');
  const { id } = await cluster.client.submitTask({ image: IMAGE, resources: { cpu: 1000, memory: '64Mi' } });
  await following.said(id);
  await pause(200);
  expect(sequences()).toEqual(Array.from({ length: sequences().length }, (_, index) => index + 1));
  following.signal('SIGINT');
  expect((await following.ended).code).toBe(130);
  const past = await cluster.run('events', '--kind', 'master_started', '--json');
  expect(JSON.parse(past).items.length).toBeGreaterThanOrEqual(2);
  expect(await cluster.run('events', '--limit', '3')).toContain('task_submitted');
  await cluster.client.cancelTask(id);
});
