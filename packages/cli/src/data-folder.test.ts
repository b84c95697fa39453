import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeDataFolder } from './data-folder.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cloudai-cli-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

test('it is made with all above it, for its owner alone; a second time does no harm', () => {
  const data = path.join(folder, 'a/b/c');
  makeDataFolder(data);
  makeDataFolder(data);
  expect(fs.statSync(data).mode & 0o777).toBe(0o700);
});

test('below a file it is refused, with what to do', () => {
  fs.writeFileSync(path.join(folder, 'file'), '');
  expect(() => makeDataFolder(path.join(folder, 'file/data'))).toThrow(/file\/data can not be made \(ENOTDIR\)/);
});

test.runIf(process.platform === 'linux')('in a file system without folders of ours it is refused at once', () => {
  expect(() => makeDataFolder('/proc/cloudai-test/data')).toThrow(/can not be made \(ENOENT\)/);
});
