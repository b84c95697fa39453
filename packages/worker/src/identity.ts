/**
 * Who this worker is: a key that never leaves the machine, the certificate that the master gave for it, and the root
 * certificate that the master itself has to present. Kept in `<data>/identity`, readable by the owner only.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import tls from 'node:tls';
import type { JoinToken } from './join-token.ts';

const FIRST_CONTACT_MS = 15_000;
const RENEW_FROM = 0.5;
const RENEW_UNTIL = 0.8;

export interface Identity {
  readonly workerId: string;
  readonly clusterId: string;
  /** PEM. */
  readonly key: string;
  /** PEM, leaf first. */
  readonly chain: string;
  /** PEM of the root. */
  readonly ca: string;
}

export interface KeyAndRequest {
  /** PEM, PKCS #8. */
  readonly key: string;
  /** PKCS #10, DER. */
  readonly csr: Uint8Array<ArrayBuffer>;
}

/** A fresh P-256 key and a request to certify it. The subject is decoration: the master takes the key alone. */
export async function makeKeyAndRequest(workerId: string): Promise<KeyAndRequest> {
  // Loaded here because they cost 80 ms and are needed once a day.
  await import('reflect-metadata');
  const { Pkcs10CertificateRequestGenerator, PemConverter } = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create(
    { name: [{ CN: [workerId] }], keys, signingAlgorithm: algorithm },
    crypto,
  );
  const der = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { key: PemConverter.encode(der, PemConverter.PrivateKeyTag), csr: new Uint8Array(request.rawData) };
}

/** PEM of a chain that came as DER, leaf first. */
export function chainToPem(chain: readonly Uint8Array[]): string {
  if (chain.length === 0) throw new Error('the master answered without a certificate');
  return chain.map((der) => new X509Certificate(der).toString()).join('');
}

/**
 * Asks the server for its chain, without sending it anything, and returns the root that the token names as PEM.
 * What is trusted is the digest alone: the connection that follows is verified against this root in the ordinary way.
 */
export async function fetchPinnedRoot(host: string, port: number, token: JoinToken): Promise<string> {
  const chain = await presentedChain(host, port);
  const root = chain.find((certificate) => sha256(certificate.raw) === token.caDigest);
  if (root?.ca) return root.toString();
  throw new Error(
    `${host}:${port} is not the master that made this join token: it shows ${chain.length} certificates, none of them the ` +
      `root ${token.caDigest.slice(0, 16)}...; check the address, and that the token is of this cluster`,
  );
}

function presentedChain(host: string, port: number): Promise<X509Certificate[]> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      host,
      port,
      // Nothing is sent over this connection, and what it shows counts only if its digest is the pinned one.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
      ...(isName(host) ? { servername: host } : {}),
    });
    socket.setTimeout(FIRST_CONTACT_MS, () => socket.destroy(new Error(`${host}:${port} does not answer`)));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const chain: X509Certificate[] = [];
      for (
        let certificate = socket.getPeerX509Certificate();
        certificate !== undefined && !chain.some((known) => known.fingerprint256 === certificate?.fingerprint256);
        certificate = certificate.issuerCertificate
      ) {
        chain.push(certificate);
      }
      socket.destroy();
      resolve(chain);
    });
  });
}

/** What every later connection to the master uses; a client certificate only once there is one. */
export function tlsOptions(
  ca: string,
  clusterId: string | null,
  own: Pick<Identity, 'key' | 'chain'> | null,
): tls.ConnectionOptions {
  return {
    ca,
    minVersion: 'TLSv1.3',
    ...(own === null ? {} : { key: own.key, cert: own.chain }),
    checkServerIdentity: (_host, certificate) => checkMaster(certificate.subjectaltname, clusterId),
  };
}

/**
 * A master is known by its role in the cluster, not by the name it is dialled by: it may be an address, a tunnel, a
 * standby. The chain, the dates and the purpose (server) were checked before this is called.
 */
export function checkMaster(subjectAltName: string | undefined, clusterId: string | null): Error | undefined {
  const names = (subjectAltName ?? '').split(', ');
  if (names.some((name) => isMasterName(name, clusterId))) return undefined;
  return new Error(`the server is not a master of this cluster: its certificate names "${subjectAltName ?? ''}"`);
}

/** `spiffe://<cluster>/master`, or with the id of one of several masters behind it. */
function isMasterName(name: string, clusterId: string | null): boolean {
  const match = /^URI:spiffe:\/\/([^/]+)\/master(?:\/[^/]+)?$/.exec(name);
  return match !== null && (clusterId === null || match[1] === clusterId);
}

export async function loadIdentity(dataDirectory: string): Promise<Identity | null> {
  try {
    return JSON.parse(await readFile(identityFile(dataDirectory), 'utf8')) as Identity;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Error(
      `the identity of this worker, ${identityFile(dataDirectory)}, can not be read; restore it, or remove it and join again`,
      { cause: error },
    );
  }
}

/** One file, replaced as a whole: a key without its certificate is worth nothing. */
export async function storeIdentity(dataDirectory: string, identity: Identity): Promise<void> {
  const file = identityFile(dataDirectory);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await chmod(path.dirname(file), 0o700);
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(identity, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

/**
 * How long to keep a certificate before asking for the next one: somewhere into the later half of its life, so that not
 * all workers ask at once.
 */
export function renewAfterMs(chain: string, random: number): number {
  const { validFromDate, validToDate } = new X509Certificate(chain);
  return (validToDate.getTime() - validFromDate.getTime()) * (RENEW_FROM + (RENEW_UNTIL - RENEW_FROM) * random);
}

/** By this machine's clock, which may be wrong. */
export function ageMs(chain: string, wallNow: number): number {
  return wallNow - new X509Certificate(chain).validFromDate.getTime();
}

export function expiresAt(chain: string): number {
  return new X509Certificate(chain).validToDate.getTime();
}

function identityFile(dataDirectory: string): string {
  return path.join(dataDirectory, 'identity', 'identity.json');
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function isName(host: string): boolean {
  return !/^[\d.]+$/.test(host) && !host.includes(':');
}
