// `cloudai` as real processes: what only a process shows.
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { aTask, aWorker, MemoryMaster } from '@cloudai/sdk/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { envOf, HAS_SCRIPT, type RunningProcess, runOnTerminal, runProcess, temporaryFolder } from './testing/run.ts';

const ID = 'aaaabbbbccccdddd';
const AT = '2026-11-22T12:00:00.000Z';

// A start takes a tenth of a second, on a machine that is busy with other tests many times that.
vi.setConfig({ testTimeout: 20_000 });

let master: MemoryMaster;
let state: string;

beforeEach(async () => {
  master = await MemoryMaster.start();
  state = temporaryFolder();
});
afterEach(() => master.close());

function env(): NodeJS.ProcessEnv {
  return { ...envOf(master), XDG_STATE_HOME: state, XDG_CONFIG_HOME: state };
}

test('exit codes and streams are those of a good neighbour', async () => {
  const ran = await Promise.all([
    runProcess(['version']).ended,
    runProcess(['tasks', '-q'], env()).ended,
    runProcess(['task', 'show', 'nope'], env()).ended,
    runProcess(['nonsense']).ended,
  ]);
  expect(ran.map(({ code }) => code)).toEqual([0, 0, 3, 2]);
  expect(ran[0]?.stdout).toMatch(/^cloudai \d+\.\d+\.\d+\n$/);
  expect(ran[2]).toMatchObject({ stdout: '', stderr: expect.stringMatching(/^error: .*nope/) });
});

test('tasks come from standard input', async () => {
  const { code, stdout } = await runProcess(['submit', '-'], env(), 'image: a\n---\nimage: b\n').ended;
  expect([code, stdout.trim().split('\n').length]).toEqual([0, 2]);
});

test('a reader that goes away is the end and no error', async () => {
  for (let index = 0; index < 900; index++) {
    master.addTask({ task: aTask({ id: `task${index}`, command: 'x'.repeat(500) }) });
  }
  const main = path.resolve(import.meta.dirname, 'main.ts');
  const line = `{ '${process.execPath}' '${main}' tasks --all; echo "code $?" >&2; } | head -1`;
  const said = await new Promise<string>((resolve) => {
    execFile('sh', ['-c', line], { env: { ...process.env, ...env() } }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
  expect(said).toMatch(/^ID [^\n]*\n(.*\n)*code 0\n$/);
});

test('SIGINT cancels the task of run, SIGTERM does as well', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    master.onSubmit = ({ id }) => {
      master.append(id, { kind: 'data', attempt: 1, stream: 'stdout', offset: 0, at: AT, text: 'begun\n' });
    };
    const child = runProcess(['run', 'busybox'], env());
    await child.said('begun');
    child.signal(signal);
    expect((await child.ended).code).toBe(130);
  }
  expect([...master.tasks.values()].map(({ task }) => task.state)).toEqual(['cancelled', 'cancelled']);
});

test('commands are read from a file at the prompt; mistakes do not end it', async () => {
  const { code, stdout, stderr } = await runProcess(
    ['prompt'],
    env(),
    'version\nnonsense\ntask show nope\nunclosed "quote\n\nscheduler show -q\nexit\nversion\n',
  ).ended;
  expect(code).toBe(0);
  expect(stdout).toBe('cloudai 0.1.0\ngreedy\n');
  expect(stderr.match(/^error: /gm)?.length).toBe(3);
});

describe.skipIf(!HAS_SCRIPT)('the prompt at a terminal', () => {
  let prompt: RunningProcess;

  afterEach(() => prompt.signal('SIGKILL'));

  async function open(rows?: number): Promise<void> {
    prompt = runOnTerminal(['prompt'], env(), rows);
    await prompt.said('master> ');
  }

  async function leave(): Promise<string> {
    prompt.type('exit\r');
    const { code, stdout } = await prompt.ended;
    expect(code).toBe(0);
    return stdout;
  }

  test('keeps its history over restarts, bounded to its owner, without secrets', async () => {
    await open();
    prompt.type('version\rtasks --token cai_x_secret\r');
    await prompt.said('error: ');
    await leave();
    const file = path.join(state, 'cloudai/history');
    expect(fs.readFileSync(file, 'utf8')).toBe('version\n');
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    await open();
    // Up, and the line of the last time comes again.
    prompt.type('\u001b[A\r');
    await prompt.said('cloudai 0.1.0');
    await leave();
  });

  test('completes commands and ids', async () => {
    master.addTask({ task: aTask({ id: ID }) });
    master.workers.set('worker-1', aWorker());
    await open();
    prompt.type('sched\t');
    await prompt.said('scheduler ');
    prompt.type('sh\t');
    await prompt.said('scheduler show ');
    prompt.type('\r');
    await prompt.said('greedy');
    prompt.type('task show aa\t');
    await prompt.said(ID);
    prompt.type('-q\r');
    await leave();
  });

  test('the key that leaves stats takes nothing of what is typed after it', async () => {
    master.workers.set('worker-1', aWorker());
    await open();
    prompt.type('stats worker-1\r');
    await prompt.said('Press any key to leave');
    prompt.type('xscheduler show\rversion\r');
    await prompt.said('greedy');
    await prompt.said('cloudai 0.1.0');
    await leave();
  });

  test('monitor clears the screen, shows the log live, and any key leaves it', async () => {
    master.addTask({ task: aTask({ id: ID }) });
    await open();
    prompt.type('monitor aa\r');
    await prompt.said('Press any key to exit');
    master.append(ID, { kind: 'data', attempt: 1, stream: 'stdout', offset: 0, at: AT, text: 'live line\n' });
    await prompt.said('live line');
    prompt.type('\u001b[Bversion\r');
    await prompt.said('cloudai 0.1.0');
    const shown = await leave();
    expect(shown).toContain('\u001b[2J\u001b[H');
    expect(shown).toContain(`Task ID: ${ID}`);
    expect(shown).toContain('User ID: admin');
    expect(master.find(ID).task.state, 'watching changes nothing').toBe('queued');
  });

  test('SIGTERM ends it and leaves the terminal as it was', async () => {
    await open();
    prompt.type('half a line');
    await prompt.said('half a line');
    // `script` is the parent of the command.
    process.kill(Number(execFileSync('pgrep', ['-P', String(prompt.pid)], { encoding: 'utf8' })), 'SIGTERM');
    expect((await prompt.ended).code).toBe(0);
  });

  test('long lists come a screen at a time', async () => {
    for (let index = 0; index < 60; index++) master.addTask({ task: aTask({ id: `task${index}` }) });
    await open(20);
    prompt.type('tasks --all\r');
    await prompt.said('-- 42 more lines');
    prompt.type(' ');
    await prompt.said('-- 23 more lines');
    prompt.type('qversion\r');
    await prompt.said('cloudai 0.1.0');
    expect(await leave()).not.toContain('task59');
  });

  test('Ctrl-C clears the line, ends a command, and never the prompt; Ctrl-D leaves', async () => {
    master.addTask({ task: aTask({ id: ID }) });
    await open();
    const reads = () => master.requests.filter(({ operation }) => operation === 'readLogs').length;
    const prompts = () => prompt.output().split('master> ').length - 1;
    prompt.type('half a line\u0003');
    await prompt.said('^C');
    for (let times = 1; times <= 4; times++) {
      prompt.type(`logs -f ${ID}\r`);
      await vi.waitFor(() => expect(reads()).toBe(times), { timeout: 5000 });
      prompt.type('\u0003');
      await vi.waitFor(() => expect(prompts()).toBeGreaterThan(times + 1), { timeout: 5000 });
    }
    const before = prompts();
    prompt.type('version\r');
    // A terminal drops Ctrl-D that is typed while a command ends.
    await vi.waitFor(() => expect(prompts()).toBeGreaterThan(before), { timeout: 5000 });
    prompt.type('\u0004');
    expect((await prompt.ended).code).toBe(0);
  });
});

test('version loads only what it needs, so it starts quickly', async () => {
  // What was loaded and the processor time say it on a busy machine too; the clock does not.
  const hook = `import { registerHooks } from 'node:module';
    const urls = [];
    registerHooks({ load(url, context, next) { urls.push(url); return next(url, context); } });
    process.on('exit', () => {
      const { user, system } = process.cpuUsage();
      console.error(JSON.stringify({ urls, cpuMs: (user + system) / 1000 }));
    });`;
  const env = { NODE_OPTIONS: `--import="data:text/javascript,${encodeURIComponent(hook)}"` };
  await runProcess(['version'], env).ended;
  const { stderr } = await runProcess(['version'], env).ended;
  const { urls, cpuMs } = JSON.parse(stderr) as { urls: string[]; cpuMs: number };
  expect(urls.filter((url) => /typebox|yaml|fastify|connect|protobuf|pino/.test(url))).toEqual([]);
  expect(urls.length).toBeLessThan(60);
  expect(cpuMs).toBeLessThan(400);
});

test('a master that can not go on ends at once, whoever is still connected', { timeout: 60_000 }, async () => {
  const home = { XDG_STATE_HOME: state, XDG_CONFIG_HOME: state };
  const data = path.join(state, 'master');
  expect((await runProcess(['init', '--data', data], home).ended).code).toBe(0);
  const listen = ['--listen', '127.0.0.1:0', '--worker-listen', '127.0.0.1:0'];
  const running = runProcess(['master', '--data', data, ...listen], { ...home, CLOUDAI_LOG_LEVEL: 'error' });
  await running.said('cloudai master ready');
  const ready = /users (\S+),/.exec(running.output())!;
  // It holds its connection for as long as the master lets it: the rest of its request never comes.
  const { hostname, port } = new URL(ready[1]!);
  const slow = net.connect(Number(port), hostname).on('error', () => {});
  slow.write(`POST /api/v1/tasks HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Length: 99\r\n\r\n{`);
  // Another master takes over.
  const db = new DatabaseSync(path.join(data, 'cloudai.db'));
  db.exec('PRAGMA busy_timeout = 5000; UPDATE meta SET epoch = epoch + 1');
  db.close();
  const submit = runProcess(['submit', 'busybox'], home);
  await running.said('another master leads');
  const before = performance.now();
  const { code, stderr } = await running.ended;
  const took = performance.now() - before;
  submit.signal('SIGKILL');
  await submit.ended;
  expect([code, stderr]).toEqual([75, expect.stringContaining('another master leads')]);
  // With the time that such a connection gets in an orderly stop it is five seconds.
  expect(took).toBeLessThan(4_500);
  slow.destroy();
});
