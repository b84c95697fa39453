/** Who is at the other end of a connection, by the certificate it presented. */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { RENEWS_URI, workerUri } from './certificates.ts';

export type Peer =
  | {
      readonly kind: 'worker';
      readonly workerId: string;
      readonly serial: string /** Serial of the certificate that asked for this one. */;
      readonly renews: string | null;
      readonly validUntil: number;
    }
  /** No certificate at all: it may only join. */
  | { readonly kind: 'anonymous' }
  /** A certificate that proves nothing here; `message` says why and what to do. */
  | { readonly kind: 'refused'; readonly message: string };

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

export function peerOf(socket: TLSSocket, clusterId: string): Peer {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { kind: 'anonymous' };
  if (!socket.authorized) return { kind: 'refused', message: whyUntrusted(socket, certificate) };
  return readPeer(certificate, clusterId);
}

/** The chain has been verified; this reads whom it speaks of. Exact comparison only: no prefix, no pattern. */
export function readPeer(certificate: X509Certificate, clusterId: string): Peer {
  if (!certificate.keyUsage?.includes(CLIENT_AUTH))
    return {
      kind: 'refused',
      message: 'the certificate is not meant for a client; use the one the worker got when it joined',
    };
  const names = (certificate.subjectAltName ?? '').split(', ');
  const uris = names.map((name) => (name.startsWith('URI:') ? name.slice(4) : null));
  const [own, renews, ...further] = uris;
  const prefix = workerUri(clusterId, '');
  const workerId = own?.startsWith(prefix) ? own.slice(prefix.length) : '';
  const isRenewal = renews?.startsWith(RENEWS_URI) === true;
  if (workerId === '' || further.length > 0 || (renews !== undefined && !isRenewal))
    return {
      kind: 'refused',
      message: `the certificate is not that of a worker of cluster ${clusterId}; join with a token of this cluster`,
    };
  return {
    kind: 'worker',
    workerId,
    serial: certificate.serialNumber.toLowerCase(),
    renews: isRenewal ? renews.slice(RENEWS_URI.length) : null,
    validUntil: certificate.validToDate.getTime(),
  };
}

function whyUntrusted(socket: TLSSocket, certificate: X509Certificate): string {
  const code = String(
    (socket.authorizationError as unknown as { code?: string } | null)?.code ?? socket.authorizationError,
  );
  const now = new Date().toISOString();
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return `the certificate ended at ${certificate.validToDate.toISOString()} and the master's clock says ${now}; join again with a new token`;
    case 'CERT_NOT_YET_VALID':
      return `the certificate begins at ${certificate.validFromDate.toISOString()} and the master's clock says ${now}; set the clocks right`;
    default:
      return `the certificate was not issued by this cluster (${code}); join with a token of this cluster`;
  }
}
