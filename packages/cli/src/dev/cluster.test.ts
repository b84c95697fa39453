import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/run.ts';
import { hasJoined } from './cluster.ts';

test('a worker whose join was broken off half-way joins again', () => {
  const data = temporaryFolder();
  expect(hasJoined(data)).toBe(false);
  const identity = path.join(data, 'worker', 'identity');
  fs.mkdirSync(identity, { recursive: true });
  fs.writeFileSync(path.join(identity, 'identity.json.new'), '{');
  expect(hasJoined(data)).toBe(false);
  fs.renameSync(path.join(identity, 'identity.json.new'), path.join(identity, 'identity.json'));
  expect(hasJoined(data)).toBe(true);
});
