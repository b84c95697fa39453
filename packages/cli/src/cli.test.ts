import fs from 'node:fs';
import path from 'node:path';
import { aTask } from '@cloudai/sdk/testing';
import { describe, expect, test } from 'vitest';
import { envOf, runHere, temporaryFolder } from './testing/run.ts';
import { withMaster } from './testing/with-master.ts';

const ID = 'aaaabbbbccccdddd';

const cluster = withMaster();

describe('errors', () => {
  test('as JSON they have the shape of the API', async () => {
    const { code, stdout, stderr } = await cluster.run('task show nope --json');
    expect([code, stdout]).toEqual([3, '']);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'task_unknown', requestId: 'r-1', remedy: expect.any(String) },
    });
  });

  test('a wrong token ends with 77 and does not appear', async () => {
    const { code, stderr } = await cluster.run('tasks --token cai_x_wrongsecret');
    expect(code).toBe(77);
    expect(stderr).not.toContain('wrongsecret');
    expect(stderr).toContain('CLOUDAI_TOKEN');
  });

  test('a quantity that the master refuses is a usage error with the field', async () => {
    const { code, stderr } = await cluster.run('submit --cpu NaN busybox');
    expect(code).toBe(2);
    expect(stderr).toContain('resources.cpu: "NaN"');
  });

  test('nobody there ends with 69 and says how to start one', async () => {
    const { code, stderr } = await cluster.run('tasks --url 127.0.0.1:1');
    expect(code).toBe(69);
    expect(stderr).toMatch(/error: nobody listens at 127\.0\.0\.1:1\n {2}Start one with `cloudai dev`/);
  });

  test('a defect of the master names the request', async () => {
    cluster.master.failNext('getCluster', { status: 500, code: 'internal' });
    const { code, stderr } = await cluster.run('status');
    expect(code).toBe(70);
    expect(stderr).toContain('request r-1');
  });

  test('without any cluster it says how to get one', async () => {
    const { code, stderr } = await runHere(['tasks']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/no cluster is configured\n.*cloudai dev.*CLOUDAI_URL/);
  });

  test('Ctrl-C ends a command with 130', async () => {
    cluster.master.addTask({ task: aTask({ id: ID }) });
    const { code } = await cluster.run('logs -f aaaa', {
      onStart: (cli) => setTimeout(() => cli.interrupt('SIGINT'), 50),
    });
    expect(code).toBe(130);
  });
});

describe('context', () => {
  test('the file is made, kept secret, read, and its token goes to no other address', async () => {
    const env = { XDG_CONFIG_HOME: temporaryFolder() };
    const file = path.join(env.XDG_CONFIG_HOME, 'cloudai/context.yaml');
    const set = (args: string[]) => runHere(['config', 'set', ...args], { env });
    expect((await set(['token', 'x'])).code, 'the url comes first').toBe(2);
    expect((await set(['url', cluster.master.url])).code).toBe(0);
    expect((await set(['token', cluster.master.token])).code).toBe(0);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect((await runHere(['config', 'path'], { env })).stdout).toBe(`${file}\n`);
    const shown = await runHere(['config', 'show'], { env });
    expect(shown.stdout).toContain('cai_4xk2m7_...');
    expect(shown.stdout).not.toContain('secret');
    expect((await runHere(['scheduler', 'show', '-q'], { env })).stdout).toBe('greedy\n');
    await runHere(['scheduler', 'show', '--url', cluster.master.url.replace('127.0.0.1', 'localhost')], { env });
    expect(cluster.master.requests.at(-1)?.headers.authorization).toBeUndefined();
  });

  test('CLOUDAI_CONTEXT names another file, CLOUDAI_CONFIG has nothing to do with it', async () => {
    const folder = temporaryFolder();
    const file = path.join(folder, 'other-cluster.yaml');
    const env = { CLOUDAI_CONTEXT: file, CLOUDAI_CONFIG: '/nonexistent/settings.yaml', XDG_CONFIG_HOME: folder };
    expect((await runHere(['config', 'set', 'url', cluster.master.url], { env })).code).toBe(0);
    expect((await runHere(['config', 'path'], { env })).stdout).toBe(`${file}\n`);
    expect(fs.readdirSync(folder)).toEqual(['other-cluster.yaml']);
    expect((await runHere(['config', 'show'], { env })).stdout).toContain(cluster.master.url);
  });

  test('flags win over the environment, that over the file', async () => {
    await runHere(['tasks', '--token', 'from-flag'], { env: { ...envOf(cluster.master), CLOUDAI_TOKEN: 'from-env' } });
    await runHere(['--token', 'before-the-name', 'tasks'], { env: envOf(cluster.master) });
    expect(cluster.master.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer from-flag',
      'Bearer before-the-name',
    ]);
  });

  test('a broken file is told with its place', async () => {
    const env = { XDG_CONFIG_HOME: temporaryFolder() };
    const file = path.join(env.XDG_CONFIG_HOME, 'cloudai/context.yaml');
    fs.mkdirSync(path.dirname(file));
    for (const content of ['url: [', 'token: x', '7', 'url: 7']) {
      fs.writeFileSync(file, content);
      const { code, stderr } = await runHere(['tasks'], { env });
      expect(code).toBe(2);
      expect(stderr).toContain(file);
    }
  });
});
