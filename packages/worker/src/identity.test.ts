import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { chainToPem, checkMaster, loadIdentity, makeKeyAndRequest, renewAfterMs, storeIdentity } from './identity.ts';
import { parseJoinToken } from './join-token.ts';
import { parseMasterAddress } from './master-client.ts';
import { makeTestAuthority } from './testing/test-authority.ts';

const DIGEST = 'ab'.repeat(32);
const SECRET = 'abcdefghijklmnopqrstuv';

test('a join token says which cluster, which worker and the secret', () => {
  expect(parseJoinToken(` CAIJ1.${DIGEST}.worker-1.${SECRET}\n`)).toEqual({
    caDigest: DIGEST,
    workerId: 'worker-1',
    secret: SECRET,
  });
  expect(parseJoinToken(`CAIJ1.${DIGEST}.a.b.c.${SECRET}`).workerId).toBe('a.b.c');
});

test.each(['', 'CAIJ1', `CAIJ2.${DIGEST}.w.${SECRET}`, `CAIJ1.${DIGEST}.w`, `CAIJ1.${DIGEST.slice(1)}.w.${SECRET}`])(
  'not a join token: %j',
  (text) => {
    expect(() => parseJoinToken(text)).toThrow('copy all of what "register" printed');
  },
);

test.each([
  ['master.example:6000', 'master.example', 6000],
  ['10.0.0.1', '10.0.0.1', 50_051],
  ['[::1]:6000', '::1', 6000],
  ['[fd00::2]', 'fd00::2', 50_051],
])('address of a master: %s', (text, host, port) => {
  expect(parseMasterAddress(text)).toEqual({ host, port });
});

test.each(['', 'a b', 'host:', 'host:0', 'host:70000', 'http://host:1', '::1'])('not an address: %j', (text) => {
  expect(() => parseMasterAddress(text)).toThrow('write host:port');
});

test.each([
  ['URI:spiffe://c1/master', 'c1', true],
  ['DNS:localhost, URI:spiffe://c1/master/m2', 'c1', true],
  ['URI:spiffe://c1/master', null, true],
  ['URI:spiffe://c2/master', 'c1', false],
  ['URI:spiffe://c1/worker/w1', 'c1', false],
  ['URI:spiffe://c1/worker/x/master', null, false],
  ['URI:spiffe://c1/masters', 'c1', false],
  ['DNS:spiffe://c1/master', 'c1', false],
  ['DNS:master', 'c1', false],
  ['', null, false],
])('a certificate for %j is that of a master of %j: %j', (names, cluster, yes) => {
  expect(checkMaster(names, cluster) === undefined).toBe(yes);
});

test('an identity is kept as a whole, and a broken one says what to do', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'identity-test-'));
  expect(await loadIdentity(directory)).toBe(null);
  const identity = { workerId: 'w', clusterId: 'c', key: 'k', chain: 'ch', ca: 'ca' };
  await storeIdentity(directory, identity);
  expect(await loadIdentity(directory)).toEqual(identity);
  await writeFile(path.join(directory, 'identity', 'identity.json'), '{"workerId":');
  await expect(loadIdentity(directory)).rejects.toThrow('restore it, or remove it and join again');
  await rm(directory, { recursive: true });
});

test('a certificate is renewed between half and four fifths of its life', async () => {
  const authority = await makeTestAuthority();
  const { csr } = await makeKeyAndRequest('w');
  const chain = chainToPem(await authority.certify(csr, 'w', 3_600_000));
  const life = 3_660_000; // Back-dated by a minute.
  expect(Math.abs(renewAfterMs(chain, 0) - 0.5 * life)).toBeLessThan(5_000);
  expect(Math.abs(renewAfterMs(chain, 1) - 0.8 * life)).toBeLessThan(5_000);
});
