import { expect, test } from 'vitest';
import { familiarName, parseImageReference } from './image-reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

test.each([
  ['busybox', 'busybox', null, null, 'docker.io'],
  ['busybox:1.36', 'busybox', '1.36', null, 'docker.io'],
  ['cloudai/busybox:local', 'cloudai/busybox', 'local', null, 'docker.io'],
  ['ghcr.io/owner/name', 'ghcr.io/owner/name', null, null, 'ghcr.io'],
  ['localhost:5000/x:1', 'localhost:5000/x', '1', null, 'localhost:5000'],
  ['localhost/x', 'localhost/x', null, null, 'localhost'],
  ['10.0.0.1:5000/a/b', '10.0.0.1:5000/a/b', null, null, '10.0.0.1:5000'],
  [`busybox@${DIGEST}`, 'busybox', null, DIGEST, 'docker.io'],
  [`busybox:1@${DIGEST}`, 'busybox', '1', DIGEST, 'docker.io'],
])('%s', (text, name, tag, digest, registry) => {
  expect(parseImageReference(text)).toEqual({ name, tag, digest, registry });
});

test.each([
  '',
  'Busybox',
  'a b',
  'a:',
  ':1',
  'a//b',
  '-a',
  'a@sha256:1',
  'a:b:c',
  '../x',
  'a?x=1',
  'a#b',
  'a%2fb',
  'x/../y',
])('not a reference: %j', (text) => {
  expect(parseImageReference(text)).toBe(null);
});

test('the name as Docker writes it', () => {
  expect(familiarName(parseImageReference('docker.io/library/busybox')!)).toBe('busybox');
  expect(familiarName(parseImageReference('ghcr.io/a/b')!)).toBe('ghcr.io/a/b');
});
