/** A certificate authority for tests: root, a master's and workers' certificates as the real master makes them. */
import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto);
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

export interface TestAuthority {
  readonly clusterId: string;
  readonly rootPem: string;
  readonly rootDigest: string;
  /** Chain with the root, and key, as PEM. */
  readonly server: { readonly cert: string; readonly key: string };
  /** DER chain for the key of a request. */
  certify(csr: Uint8Array, workerId: string, lifetimeMs?: number): Promise<Uint8Array<ArrayBuffer>[]>;
}

export async function makeTestAuthority(clusterId = 'testcluster01'): Promise<TestAuthority> {
  const rootKeys = await makeKeys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=test root',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + DAY_MS),
    keys: rootKeys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  let serial = 1;
  const issue = (
    publicKey: x509.PublicKey | webcrypto.CryptoKey,
    uri: string,
    usage: x509.ExtendedKeyUsage,
    lifetimeMs = DAY_MS,
  ) => {
    serial += 1;
    return x509.X509CertificateGenerator.create({
      serialNumber: serial.toString(16).padStart(4, '0'),
      subject: 'CN=test',
      issuer: root.subject,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + lifetimeMs),
      publicKey,
      signingKey: rootKeys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }]),
      ],
    });
  };
  const serverKeys = await makeKeys();
  const server = await issue(serverKeys.publicKey, `spiffe://${clusterId}/master`, x509.ExtendedKeyUsage.serverAuth);
  const serverKey = await webcrypto.subtle.exportKey('pkcs8', serverKeys.privateKey);
  return {
    clusterId,
    rootPem: root.toString('pem'),
    rootDigest: createHash('sha256').update(new Uint8Array(root.rawData)).digest('hex'),
    server: {
      cert: `${server.toString('pem')}\n${root.toString('pem')}\n`,
      key: x509.PemConverter.encode(serverKey, x509.PemConverter.PrivateKeyTag),
    },
    async certify(csr, workerId, lifetimeMs) {
      const request = new x509.Pkcs10CertificateRequest(new Uint8Array(csr));
      if (!(await request.verify())) throw new Error('the request is not signed by its key');
      const uri = `spiffe://${clusterId}/worker/${workerId}`;
      const leaf = await issue(request.publicKey, uri, x509.ExtendedKeyUsage.clientAuth, lifetimeMs);
      return [new Uint8Array(leaf.rawData)];
    },
  };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}
