import fs from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../testing/run.ts';
import { Child } from './child.ts';
import { choosePort } from './ports.ts';

vi.setConfig({ testTimeout: 20_000 });

function start(args: readonly string[], onRestart: (text: string) => void = () => {}) {
  const folder = temporaryFolder();
  const files = { logFile: path.join(folder, 'master.log'), pidFile: path.join(folder, 'master.pid') };
  const env = { PATH: process.env.PATH, HOME: folder, XDG_STATE_HOME: folder };
  return { ...files, child: new Child({ name: 'master', args, env, ...files, onRestart }) };
}

test('a process that fails before it was of use is not started again; its words are kept', async () => {
  const { child, pidFile, logFile } = start(['master', '--data', '/nonexistent']);
  expect(await child.ended).toBe(3);
  expect(child.tail()).toContain('holds no cluster');
  expect(fs.existsSync(pidFile)).toBe(false);
  expect(fs.statSync(logFile).mode & 0o077).toBe(0);
});

test('one that was of use is started again, and stops for good when it is told to', async () => {
  const restarts: string[] = [];
  const { child, logFile } = start(['version'], (text) => restarts.push(text));
  child.proven();
  await vi.waitFor(() => expect(fs.readFileSync(logFile, 'utf8').split('cloudai').length - 1).toBe(2), {
    timeout: 15_000,
  });
  expect(restarts[0]).toBe('the master ended (exit code 0); starting it again in 0.5 s');
  await child.stop();
  const count = fs.readFileSync(logFile, 'utf8').length;
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(fs.readFileSync(logFile, 'utf8').length).toBe(count);
});

test('ports: a free one, the one asked for, and a clear word when it is taken', async () => {
  const free = await choosePort('auto', '--port', 'users');
  expect(await choosePort(String(free), '--port', 'users')).toBe(free);
  const net = await import('node:net');
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(free, '127.0.0.1', resolve));
  await expect(choosePort(String(free), '--port', 'users')).rejects.toMatchObject({
    exit: 'unavailable',
    message: `port ${free}, for users, is taken by another process`,
    remedy: 'Stop that one, or choose another with --port PORT or --port auto.',
  });
  server.close();
  await expect(choosePort('http', '--port', 'users')).rejects.toMatchObject({ exit: 'usage' });
});
