/**
 * The certificate authority of a cluster: a root that signs intermediates and may be kept offline, and the
 * intermediate that signs everything else. Files in `<data>/identity`:
 *
 *   root.pem, root.key    10 years; the key is only needed to renew the intermediate
 *   intermediate.pem      1 year; certificate and key in one file, so that one rename replaces both; renewed by
 *                         itself when a third of it is left
 */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { makeDirectoryDurably, writeDurably } from '../durable-file.ts';
import {
  certificateFromPem,
  certificateToPem,
  certify,
  makeKeyPair,
  privateKeyFromPem,
  privateKeyToPem,
  publicKeyOfCsr,
  type Signer,
  type X509Certificate,
} from './certificates.ts';
import { sha256Hex } from './tokens.ts';

const DAY_MS = 86_400_000;
const ROOT_LIFETIME_MS = 3_653 * DAY_MS;
const INTERMEDIATE_LIFETIME_MS = 365 * DAY_MS;
const INTERMEDIATE_RENEW_MS = INTERMEDIATE_LIFETIME_MS / 3;
/** Made anew at each start and by the daily check. */
const SERVER_LIFETIME_MS = 90 * DAY_MS;
export const WORKER_LIFETIME_MS = DAY_MS;

export interface IssuedCertificate {
  /** DER, leaf first, then the intermediate. */
  readonly chain: readonly Uint8Array[];
  readonly serial: string;
}

/** PEM, for `tls.createServer`. */
export interface ServerCredentials {
  /** Leaf, intermediate and root, so that a joining worker can compare the root with the digest in its token. */
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export class AuthorityError extends Error {}

export class Authority {
  readonly clusterId: string;
  readonly rootPem: string;
  /** SHA-256 of the root's DER in hex; join tokens carry it. */
  readonly rootDigest: string;
  readonly #directory: string;
  readonly #root: X509Certificate;
  #issuing: Signer;

  private constructor(clusterId: string, directory: string, root: X509Certificate, issuing: Signer) {
    this.clusterId = clusterId;
    this.#directory = directory;
    this.#root = root;
    this.#issuing = issuing;
    this.rootPem = certificateToPem(root);
    this.rootDigest = sha256Hex(new Uint8Array(root.rawData));
  }

  /** Makes keys and certificates of a new cluster in `<data>/identity`. */
  static async create(dataDir: string, clusterId: string, now: number): Promise<Authority> {
    const directory = await makeDirectoryDurably(dataDir, 'identity');
    const keys = await makeKeyPair();
    const name = `CloudAI ${clusterId} root`;
    const certificate = await certify({ kind: 'root', name }, keys.publicKey, keys.privateKey, ROOT_LIFETIME_MS, now);
    await writeDurably(path.join(directory, 'root.key'), await privateKeyToPem(keys.privateKey), 0o600);
    await writeDurably(path.join(directory, 'root.pem'), certificateToPem(certificate), 0o644);
    const issuing = await makeIntermediate(directory, clusterId, { certificate, key: keys.privateKey }, now);
    return new Authority(clusterId, directory, certificate, issuing);
  }

  static async load(dataDir: string, clusterId: string): Promise<Authority> {
    const directory = path.join(dataDir, 'identity');
    const root = certificateFromPem(await readIdentity(directory, 'root.pem'));
    const pem = await readIdentity(directory, 'intermediate.pem');
    const issuing = { certificate: certificateFromPem(pem), key: await privateKeyFromPem(pem) };
    return new Authority(clusterId, directory, root, issuing);
  }

  /** When the intermediate ends, Unix ms. */
  get issuingUntil(): number {
    return this.#issuing.certificate.notAfter.getTime();
  }

  /** Renews the intermediate when its time has come; true when it did. Certificates of the old one stay valid. */
  async renew(now: number): Promise<boolean> {
    if (this.issuingUntil - now > INTERMEDIATE_RENEW_MS) return false;
    const key = await privateKeyFromPem(await readIdentity(this.#directory, 'root.key'));
    this.#issuing = await makeIntermediate(this.#directory, this.clusterId, { certificate: this.#root, key }, now);
    return true;
  }

  /** For the worker port. `hosts` are names and addresses by which the master is reached beside its own. */
  async issueServer(hosts: readonly string[], now: number): Promise<ServerCredentials> {
    const all = new Set(['localhost', '127.0.0.1', '::1', hostname(), ...hosts].filter((host) => host !== ''));
    const names = [...all].filter((host) => isIP(host) === 0);
    const addresses = [...all].filter((host) => isIP(host) !== 0);
    const keys = await makeKeyPair();
    const holder = { kind: 'server', clusterId: this.clusterId, names, addresses } as const;
    const leaf = await certify(holder, keys.publicKey, this.#issuing, this.#bounded(SERVER_LIFETIME_MS, now), now);
    return {
      cert: [leaf, this.#issuing.certificate, this.#root].map(certificateToPem).join(''),
      key: await privateKeyToPem(keys.privateKey),
      ca: this.rootPem,
    };
  }

  /** `renews`: the serial that the worker presented, null at its first. Throws `CsrError`. */
  async issueWorker(
    workerId: string,
    csr: Uint8Array,
    renews: string | null,
    now: number,
    lifetimeMs = WORKER_LIFETIME_MS,
  ): Promise<IssuedCertificate> {
    const publicKey = await publicKeyOfCsr(csr);
    const holder = { kind: 'worker', clusterId: this.clusterId, workerId, renews } as const;
    const leaf = await certify(holder, publicKey, this.#issuing, this.#bounded(lifetimeMs, now), now);
    const chain = [leaf, this.#issuing.certificate].map((certificate) => new Uint8Array(certificate.rawData));
    return { chain, serial: leaf.serialNumber.toLowerCase() };
  }

  /** Nothing outlives who signed it. */
  #bounded(lifetimeMs: number, now: number): number {
    const left = this.issuingUntil - now;
    if (left <= 0)
      throw new AuthorityError(
        `the issuing certificate ended at ${new Date(this.issuingUntil).toISOString()}; put root.key back into ${this.#directory} and start the master again`,
      );
    return Math.min(lifetimeMs, left);
  }
}

async function makeIntermediate(directory: string, clusterId: string, root: Signer, now: number): Promise<Signer> {
  const keys = await makeKeyPair();
  const name = `CloudAI ${clusterId} issuing`;
  const certificate = await certify(
    { kind: 'intermediate', name },
    keys.publicKey,
    root,
    INTERMEDIATE_LIFETIME_MS,
    now,
  );
  const pem = certificateToPem(certificate) + (await privateKeyToPem(keys.privateKey));
  await writeDurably(path.join(directory, 'intermediate.pem'), pem, 0o600);
  return { certificate, key: keys.privateKey };
}

async function readIdentity(directory: string, name: string): Promise<string> {
  const file = path.join(directory, name);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const what = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'is missing' : 'can not be read';
    throw new AuthorityError(`${file} ${what}; restore it from the backup of the data directory`, { cause });
  }
}
