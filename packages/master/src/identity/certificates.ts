/** The X.509 of this cluster: everything is ECDSA on P-256 with SHA-256. */
// The library finds its parts by decorators, which need this first.
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

type CryptoKey = webcrypto.CryptoKey;

x509.cryptoProvider.set(webcrypto);

const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;
/** id-ecPublicKey and prime256v1, as the start of every P-256 SubjectPublicKeyInfo with an uncompressed point. */
const P256_SPKI = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const P256_SPKI_LENGTH = 91;

/** Clocks of machines differ a little; a certificate must not look as if it came from the future. */
const BACKDATE_MS = 5 * 60_000;

export interface KeyPair {
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}

export interface Signer {
  readonly certificate: x509.X509Certificate;
  readonly key: CryptoKey;
}

export type Holder =
  | { readonly kind: 'root'; readonly name: string }
  | { readonly kind: 'intermediate'; readonly name: string }
  | {
      readonly kind: 'server';
      readonly clusterId: string;
      readonly names: readonly string[];
      readonly addresses: readonly string[];
    }
  | { readonly kind: 'worker'; readonly clusterId: string; readonly workerId: string; readonly renews: string | null };

export function makeKeyPair(): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
}

/** `signer` null: the certificate signs itself, with `keys`. */
export async function certify(
  holder: Holder,
  publicKey: x509.PublicKey | CryptoKey,
  signer: Signer | CryptoKey,
  lifetimeMs: number,
  now: number,
): Promise<x509.X509Certificate> {
  const subject = subjectOf(holder);
  const issuer = 'certificate' in signer ? signer.certificate.subject : subject;
  return await x509.X509CertificateGenerator.create({
    serialNumber: makeSerial(),
    subject,
    issuer,
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + lifetimeMs),
    publicKey,
    signingKey: 'certificate' in signer ? signer.key : signer,
    signingAlgorithm: SIGNATURE,
    extensions: await extensionsOf(holder, publicKey, signer),
  });
}

/** Lower-case hex of 16 bytes whose first is neither zero nor negative, so that every tool writes it alike. */
function makeSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | (bytes[0]! & 0x3f);
  return bytes.toString('hex');
}

function subjectOf(holder: Holder): string {
  switch (holder.kind) {
    case 'root':
    case 'intermediate':
      return `O=CloudAI,CN=${holder.name}`;
    case 'server':
      return 'O=CloudAI,CN=master';
    case 'worker':
      return 'O=CloudAI,CN=worker';
  }
}

async function extensionsOf(
  holder: Holder,
  publicKey: x509.PublicKey | CryptoKey,
  signer: Signer | CryptoKey,
): Promise<x509.Extension[]> {
  const extensions: x509.Extension[] = [
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ...('certificate' in signer
      ? [await x509.AuthorityKeyIdentifierExtension.create(signer.certificate.publicKey)]
      : []),
  ];
  const { digitalSignature, keyCertSign, cRLSign } = x509.KeyUsageFlags;
  if (holder.kind === 'root' || holder.kind === 'intermediate') {
    const depth = holder.kind === 'root' ? 1 : 0;
    extensions.push(new x509.BasicConstraintsExtension(true, depth, true));
    extensions.push(new x509.KeyUsagesExtension(keyCertSign | cRLSign, true));
    return extensions;
  }
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
  extensions.push(new x509.BasicConstraintsExtension(false, undefined, true));
  extensions.push(new x509.KeyUsagesExtension(digitalSignature, true));
  extensions.push(new x509.ExtendedKeyUsageExtension([holder.kind === 'server' ? serverAuth : clientAuth]));
  extensions.push(new x509.SubjectAlternativeNameExtension(alternativeNames(holder)));
  return extensions;
}

function alternativeNames(holder: Extract<Holder, { kind: 'server' | 'worker' }>): x509.JsonGeneralNames {
  if (holder.kind === 'server')
    return [
      { type: 'url', value: masterUri(holder.clusterId) },
      ...holder.names.map((value) => ({ type: 'dns' as const, value })),
      ...holder.addresses.map((value) => ({ type: 'ip' as const, value })),
    ];
  const own = { type: 'url' as const, value: workerUri(holder.clusterId, holder.workerId) };
  return holder.renews === null ? [own] : [own, { type: 'url', value: `${RENEWS_URI}${holder.renews}` }];
}

export function masterUri(clusterId: string): string {
  return `spiffe://${clusterId}/master`;
}

export function workerUri(clusterId: string, workerId: string): string {
  return `spiffe://${clusterId}/worker/${workerId}`;
}

/** Followed by the serial of the certificate that asked for this one. */
export const RENEWS_URI = 'urn:cloudai:renews:';

export class CsrError extends Error {}

/** Larger ones carry something that has no business there. */
export const CSR_MAX_BYTES = 4096;

/**
 * The public key of a PKCS #10 request whose sender holds the private one. Nothing else in it is looked at: subject,
 * extensions and attributes are the sender's wishes, and a certificate says what the master knows.
 */
export async function publicKeyOfCsr(der: Uint8Array): Promise<x509.PublicKey> {
  if (der.byteLength === 0 || der.byteLength > CSR_MAX_BYTES)
    throw new CsrError(`a certificate request has 1 to ${CSR_MAX_BYTES} bytes, found ${der.byteLength}`);
  let request: x509.Pkcs10CertificateRequest;
  let spki: Buffer;
  try {
    request = new x509.Pkcs10CertificateRequest(new Uint8Array(der));
    spki = Buffer.from(request.publicKey.rawData);
  } catch (cause) {
    throw new CsrError('the certificate request is not PKCS #10 in DER', { cause });
  }
  // Compared as bytes: whatever the parser makes of odd parameters, this is a named curve and nothing else.
  if (spki.byteLength !== P256_SPKI_LENGTH || !spki.subarray(0, P256_SPKI.byteLength).equals(P256_SPKI))
    throw new CsrError('the key of the certificate request is not on the curve P-256');
  const verified = await request.verify().catch(() => false);
  if (!verified) throw new CsrError('the certificate request is not signed by its own key');
  return request.publicKey;
}

export async function privateKeyToPem(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
}

export async function privateKeyFromPem(pem: string): Promise<CryptoKey> {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return await webcrypto.subtle.importKey('pkcs8', new Uint8Array(der), EC, true, ['sign']);
}

export function certificateFromPem(pem: string): x509.X509Certificate {
  return new x509.X509Certificate(pem);
}

export function certificateToPem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem').trimEnd()}\n`;
}

export type { X509Certificate } from '@peculiar/x509';
