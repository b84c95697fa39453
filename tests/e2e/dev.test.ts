// The first thing that anybody runs: a cluster of one machine with the sample task.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CLOUDAI } from './cluster.ts';
import { Docker } from './docker.ts';
import { ManagedProcess, runCommand } from './process.ts';
import { until } from './wait.ts';

const docker = new Docker();
let folder: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cai-dev-'));
  env = {
    ...process.env,
    XDG_STATE_HOME: path.join(folder, 'state'),
    XDG_CONFIG_HOME: path.join(folder, 'config'),
    NO_COLOR: '1',
  };
});

afterEach(async () => {
  const clusterFile = path.join(folder, 'data/master/cluster.json');
  const { clusterId } = JSON.parse(fs.readFileSync(clusterFile, 'utf8')) as { clusterId: string };
  const left = await docker.containers({ 'ai.cloudai.cluster': clusterId });
  for (const { Id } of left) await docker.remove(Id);
  fs.rmSync(folder, { recursive: true });
  expect(left.map(({ Names }) => Names[0])).toEqual([]);
});

const dev = (...more: string[]) => ['dev', '--data', path.join(folder, 'data'), '--port', 'auto', ...more];

describe('cloudai dev', () => {
  test('--once --sample shows the log, the result and the artifact of the sample task, and ends with 0', async () => {
    const { code, stdout, stderr } = await runCommand(CLOUDAI, dev('--once', '--sample'), { env });
    expect(code, stderr).toBe(0);
    const points = Number(/Sample task 1: (\d+) data points/.exec(stdout)?.[1]);
    expect(points).toBeGreaterThanOrEqual(50);
    expect(points).toBeLessThanOrEqual(150);
    expect(stdout).toContain(`Processed ${points}/${points} points (100 %)`);
    const said = stdout + stderr;
    const result = JSON.parse(/\{\s*"seed"[^}]*\}/.exec(said)?.[0] ?? '{}') as Record<string, number>;
    expect(result.count).toBe(points);
    expect(result.average).toBeCloseTo(result.sum! / points, 2);
    expect(said).toContain('result.json');
  });

  test('a second start finds the same cluster and what it has done', async () => {
    await runCommand(CLOUDAI, dev('--once', '--sample'), { env });
    const child = new ManagedProcess({
      name: 'dev',
      command: CLOUDAI,
      args: dev(),
      env,
      logFile: path.join(folder, 'dev.log'),
    });
    await until(
      () => {
        child.mustBeAlive();
        return child.tail().includes('serving until');
      },
      { what: 'dev to serve' },
    );
    const { stdout } = await runCommand(CLOUDAI, ['tasks', '--json'], { env });
    const { items } = JSON.parse(stdout) as { items: { image: string; state: string }[] };
    expect(items.map(({ image, state }) => [image, state])).toEqual([['cloudai/sample-task-1:local', 'completed']]);
    expect((await child.stop()).code).toBe(0);
  });
});
