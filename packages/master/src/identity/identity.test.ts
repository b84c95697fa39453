import 'reflect-metadata';
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore } from '@cloudai/store';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { makeRequest, toPem } from '../testing/fake-worker.ts';
import { Authority } from './authority.ts';
import { CsrError, publicKeyOfCsr } from './certificates.ts';
import { createCluster } from './create-cluster.ts';
import { readPeer } from './peer.ts';
import { makeApiToken, makeJoinToken, sha256Hex } from './tokens.ts';

// The machine may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

const NOW = Date.UTC(2027, 0, 1);
const DAY = 86_400_000;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'cloudai-identity-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const mode = async (...names: string[]): Promise<string> =>
  ((await stat(path.join(directory, ...names))).mode & 0o777).toString(8);

describe('a new cluster', () => {
  test("has keys that only their owner reads, a store with an admin, and the admin's context", async () => {
    const created = await createCluster({
      dataDir: path.join(directory, 'data'),
      contextFile: path.join(directory, 'config', 'context.yaml'),
    });
    expect(created.clusterId).toMatch(/^[a-z2-7]{16}$/);
    for (const name of ['root.key', 'intermediate.pem']) expect(await mode('data', 'identity', name)).toBe('600');
    expect(await mode('data', 'admin.yaml')).toBe('600');
    expect(await mode('config', 'context.yaml')).toBe('600');
    expect(await mode('data')).toBe('700');
    const context: unknown = parse(await readFile(created.contextFile!, 'utf8'));
    expect(context).toEqual({ url: 'http://127.0.0.1:8080', token: created.token, ca: null, namespace: 'default' });

    const store = await openStore(`sqlite:${directory}/data/cloudai.db`);
    const { users, tokens, namespaces } = await store.load(0);
    await store.close();
    expect(users).toMatchObject([{ name: 'admin', role: 'admin' }]);
    expect(namespaces.map((row) => row.name)).toEqual(['default']);
    expect(tokens).toMatchObject([{ user: 'admin', hash: sha256Hex(created.token) }]);
    for (const name of await readdir(path.join(directory, 'data')))
      if (name.startsWith('cloudai.db'))
        expect((await readFile(path.join(directory, 'data', name))).includes(created.token)).toBe(false);
  });

  test('is made once: a second init changes nothing', async () => {
    const options = { dataDir: directory, contextFile: null };
    const first = await createCluster(options);
    const before = await readFile(path.join(directory, 'identity', 'root.key'), 'utf8');
    await expect(createCluster(options)).rejects.toThrow(`holds cluster ${first.clusterId} already`);
    expect(await readFile(path.join(directory, 'identity', 'root.key'), 'utf8')).toBe(before);
  });

  test('an init that was interrupted is begun again', async () => {
    const options = { dataDir: directory, contextFile: null };
    await createCluster(options);
    await rm(path.join(directory, 'cluster.json'));
    const again = await createCluster(options);
    expect((await Authority.load(directory, again.clusterId)).clusterId).toBe(again.clusterId);
  });

  test('keeps the context of another cluster beside the new one', async () => {
    const contextFile = path.join(directory, 'config', 'context.yaml');
    const first = await createCluster({ dataDir: path.join(directory, 'a'), contextFile });
    await createCluster({ dataDir: path.join(directory, 'b'), contextFile });
    expect(await readFile(`${contextFile}.old`, 'utf8')).toContain(first.token);
  });
});

describe('tokens', () => {
  test('a join token pins the root and carries an id that may contain dots', () => {
    const { token, hash } = makeJoinToken('ab'.repeat(32), 'rack.1_worker-2');
    const parts = token.split('.');
    expect([parts[0], parts[1], parts.slice(2, -1).join('.')]).toEqual(['CAIJ1', 'ab'.repeat(32), 'rack.1_worker-2']);
    expect(parts.at(-1)).toMatch(/^[\w-]{22}$/);
    expect(sha256Hex(parts.at(-1)!)).toBe(hash);
  });

  test('an API token names itself and is known by its hash', () => {
    const { id, token, hash } = makeApiToken();
    expect(token).toMatch(new RegExp(`^cai_${id}_[\\w-]{43}$`));
    expect(sha256Hex(token)).toBe(hash);
    expect(makeApiToken().token).not.toBe(token);
  });
});

describe('certificates', () => {
  let authority: Authority;
  beforeEach(async () => {
    authority = await Authority.create(directory, 'testcluster23456', NOW);
  });

  const issue = async (csr: Uint8Array, renews: string | null = null) =>
    await authority.issueWorker('w1', csr, renews, NOW);
  const read = (chain: readonly Uint8Array[]) => new X509Certificate(chain[0]!);

  test('the chain leads to the root that join tokens pin', async () => {
    const root = new X509Certificate(authority.rootPem);
    expect(createHash('sha256').update(root.raw).digest('hex')).toBe(authority.rootDigest);
    const { chain } = await issue((await makeRequest()).csr);
    const [leaf, intermediate] = chain.map((der) => new X509Certificate(der));
    expect(leaf!.verify(intermediate!.publicKey) && intermediate!.verify(root.publicKey)).toBe(true);
    expect(root.validToDate.getTime() - NOW).toBeGreaterThan(9.9 * 365 * DAY);
    expect(intermediate!.validToDate.getTime() - NOW).toBe(365 * DAY);
  });

  test('a worker gets its id, a day, and the right to be a client; nothing that it asked for', async () => {
    const { chain, serial } = await issue(await hostileRequest());
    const leaf = read(chain);
    expect(leaf.subjectAltName).toBe('URI:spiffe://testcluster23456/worker/w1');
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(leaf.ca).toBe(false);
    expect(leaf.subject).not.toContain('evil');
    expect(leaf.serialNumber.toLowerCase()).toBe(serial);
    expect(leaf.validFromDate.getTime()).toBe(NOW - 300_000);
    expect(leaf.validToDate.getTime()).toBe(NOW + DAY);
    expect(readPeer(leaf, 'testcluster23456')).toMatchObject({ kind: 'worker', workerId: 'w1', serial, renews: null });
  });

  test('a renewed certificate says which one it follows', async () => {
    const first = await issue((await makeRequest()).csr);
    const second = await issue((await makeRequest()).csr, first.serial);
    expect(readPeer(read(second.chain), 'testcluster23456')).toMatchObject({
      serial: second.serial,
      renews: first.serial,
    });
  });

  test.each([
    [
      'RSA',
      { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
    ],
    ['P-384', { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }],
    ['Ed25519', { name: 'Ed25519' }],
  ])('a key that is %s is refused', async (_name, algorithm) => {
    await expect(issue((await makeRequest(algorithm)).csr)).rejects.toThrow('is not on the curve P-256');
  });

  test('a request that is not signed by its own key is refused', async () => {
    const { csr } = await makeRequest();
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const stolen = other.publicKey.export({ format: 'der', type: 'spki' });
    const at = Buffer.from(csr).indexOf(stolen.subarray(0, 26));
    const forged = Buffer.from(csr);
    stolen.copy(forged, at);
    await expect(issue(forged)).rejects.toThrow('is not signed by its own key');
  });

  test('whatever else is sent is refused, and never anything but a clean error', async () => {
    const { csr } = await makeRequest();
    for (const junk of [
      new Uint8Array(),
      new Uint8Array(5_000),
      Buffer.from('hello'),
      csr.slice(0, 40),
      Buffer.from('3080', 'hex'),
    ])
      await expect(publicKeyOfCsr(junk)).rejects.toThrow(CsrError);
    for (let at = 0; at < csr.byteLength; at += 1) {
      const flipped = Buffer.from(csr);
      flipped[at]! ^= 1 << (at % 8);
      await publicKeyOfCsr(flipped).catch((error: unknown) => expect(error).toBeInstanceOf(CsrError));
    }
  });

  test('certificates of others prove nothing', async () => {
    const { chain } = await issue((await makeRequest()).csr);
    expect(readPeer(read(chain), 'othercluster2345')).toMatchObject({ kind: 'refused' });
    const server = await authority.issueServer(['master.example'], NOW);
    expect(readPeer(new X509Certificate(server.cert), 'testcluster23456')).toMatchObject({ kind: 'refused' });
  });

  test('the server shows its names, its role and the whole chain', async () => {
    const { cert } = await authority.issueServer(['master.example', '10.1.2.3', '::1'], NOW);
    const chain = cert.split(/(?<=-----END CERTIFICATE-----\n)/).map((pem) => new X509Certificate(pem));
    expect(chain).toHaveLength(3);
    expect(chain[0]!.checkHost('master.example')).toBe('master.example');
    expect(chain[0]!.checkHost('localhost')).toBe('localhost');
    for (const address of ['10.1.2.3', '127.0.0.1', '::1']) expect(chain[0]!.checkIP(address)).toBe(address);
    expect(chain[0]!.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(chain[0]!.subjectAltName).toContain('URI:spiffe://testcluster23456/master');
  });

  test('the intermediate renews itself in its last third, and what the old one signed stays valid', async () => {
    expect(await authority.renew(NOW + 200 * DAY)).toBe(false);
    const { chain } = await issue((await makeRequest()).csr);
    expect(await authority.renew(NOW + 250 * DAY)).toBe(true);
    expect(authority.issuingUntil).toBe(NOW + 615 * DAY);
    const loaded = await Authority.load(directory, 'testcluster23456');
    expect(loaded.issuingUntil).toBe(authority.issuingUntil);
    const old = new X509Certificate(chain[1]!);
    expect(old.verify(new X509Certificate(loaded.rootPem).publicKey)).toBe(true);
    expect(toPem((await loaded.issueWorker('w', (await makeRequest()).csr, null, NOW + 260 * DAY)).chain)).not.toBe('');
  });

  test('without the root key it goes on until the intermediate ends, and then says what to do', async () => {
    await rm(path.join(directory, 'identity', 'root.key'));
    const { csr } = await makeRequest();
    await expect(authority.renew(NOW + 300 * DAY)).rejects.toThrow('root.key is missing');
    const late = await authority.issueWorker('w1', csr, null, NOW + 364.5 * DAY);
    expect(read(late.chain).validToDate.getTime()).toBe(NOW + 365 * DAY);
    await expect(authority.issueWorker('w1', csr, null, NOW + 366 * DAY)).rejects.toThrow('put root.key back');
  });

  test('a damaged identity is named, and nothing is made in its place', async () => {
    await rm(path.join(directory, 'identity', 'root.pem'));
    await expect(Authority.load(directory, 'testcluster23456')).rejects.toThrow('root.pem is missing; restore it');
    await writeFile(path.join(directory, 'identity', 'root.pem'), 'x');
    await expect(Authority.load(directory, 'testcluster23456')).rejects.toThrow();
  });
});

/** Asks for everything that a worker must not get. */
async function hostileRequest(): Promise<Uint8Array> {
  const { BasicConstraintsExtension, ExtendedKeyUsageExtension, SubjectAlternativeNameExtension } = await import(
    '@peculiar/x509'
  );
  const keys = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=evil',
    keys: keys as never,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new BasicConstraintsExtension(true, 5, true),
      new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']),
      new SubjectAlternativeNameExtension([
        { type: 'url', value: 'spiffe://testcluster23456/master' },
        { type: 'dns', value: 'master.example' },
      ]),
    ],
  });
  return new Uint8Array(request.rawData);
}

type CryptoKeyPair = Awaited<ReturnType<typeof crypto.subtle.generateKey>>;
