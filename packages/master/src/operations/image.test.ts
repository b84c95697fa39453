import { expect, test } from 'vitest';
import { imageProblem } from './image.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

test.each([
  'busybox',
  'ubuntu:24.04',
  'library/ubuntu',
  'a/b/c/d:latest',
  'my_app__x/y-z--w.v1:TAG_1.2-x',
  'localhost/app',
  'localhost:5000/app:1',
  'registry.example.com/team/app',
  'Registry.Example.COM:443/team/app',
  'UPPER/app',
  '127.0.0.1:5000/app',
  '[::1]:5000/app',
  `busybox@${DIGEST}`,
  `host:5000/app:1.0@${DIGEST}`,
  `a:${'t'.repeat(128)}`,
])('%s is an image', (reference) => {
  expect(imageProblem(reference)).toBeNull();
});

test.each([
  ['', 'empty'],
  [' busybox', 'white space'],
  ['two words', 'white space'],
  ['busybox\n', 'white space'],
  ['Ubuntu', 'lower case: write ubuntu instead of Ubuntu'],
  ['UPPER/Case', 'lower case: write case instead of Case'],
  ['a:b:c:d', 'malformed tag'],
  ['busybox:', 'malformed tag'],
  ['busybox:-x', 'malformed tag'],
  [`a:${'t'.repeat(129)}`, 'malformed tag'],
  [':tag', 'no name'],
  ['../etc', 'malformed registry'],
  ['/etc/passwd', 'between slashes'],
  ['a//b', 'between slashes'],
  ['a/', 'between slashes'],
  ['a/.b', 'malformed part'],
  ['a-', 'malformed part'],
  ['a..b', 'malformed part'],
  ['bücher', 'malformed part'],
  ['a\0b', 'malformed part'],
  ['busybox@sha256:abc', 'malformed digest'],
  [`busybox@${DIGEST}a`, 'malformed digest'],
  [`busybox@${DIGEST}@${DIGEST}`, 'more than one @'],
  [`${'a'.repeat(256)}`, 'at most 255'],
  ['a'.repeat(64), 'looks like an image id'],
  ['host:99999999/app', 'malformed registry'],
  ['-host.com/app', 'malformed registry'],
])('%j is none: %s', (reference, why) => {
  expect(imageProblem(reference)).toContain(why);
});
