import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { withMaster } from '../testing/with-master.ts';

const cluster = withMaster();

test('dashboard prints an address that logs in', async () => {
  const { code, stdout, stderr } = await cluster.run('dashboard');
  expect([code, stdout]).toEqual([0, `${cluster.master.url}/#login=one-time-code\n`]);
  expect(stderr).toContain('logs you in once');
  expect(await cluster.json('dashboard')).toMatchObject({ url: `${cluster.master.url}/#login=one-time-code` });
});

test.runIf(process.platform === 'linux')('--open hands it to the browser of this machine', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cloudai-open-'));
  const opened = path.join(folder, 'opened');
  fs.writeFileSync(
    path.join(folder, 'xdg-open'),
    `#!/bin/sh\nprintf %s "$1" > ${opened}.part && mv ${opened}.part ${opened}\n`,
    {
      mode: 0o755,
    },
  );
  try {
    const { code } = await cluster.run('dashboard --open', { env: { PATH: `${folder}:/usr/bin:/bin` } });
    expect(code).toBe(0);
    await expect.poll(() => fs.existsSync(opened), { timeout: 20_000 }).toBe(true);
    expect(fs.readFileSync(opened, 'utf8')).toBe(`${cluster.master.url}/#login=one-time-code`);
    const without = await cluster.run('dashboard --open', { env: { PATH: path.join(folder, 'none') } });
    expect(without.code).not.toBe(0);
    expect(without.stderr).toContain('/#login=one-time-code');
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
