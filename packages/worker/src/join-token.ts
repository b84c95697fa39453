/**
 * `CAIJ1.<sha256 of the root certificate, hex>.<worker id>.<secret, base64url>`: everything a worker needs for its
 * first contact. The digest pins the cluster, so nobody in between can pose as the master; the secret is good once.
 */
export interface JoinToken {
  /** Lower-case hex of the SHA-256 of the root certificate's DER. */
  readonly caDigest: string;
  readonly workerId: string;
  readonly secret: string;
}

const FORM = /^CAIJ1\.([0-9a-f]{64})\.([^\s]+)\.([A-Za-z0-9_-]{16,})$/;

/** Throws with advice when the text is not a token. */
export function parseJoinToken(text: string): JoinToken {
  const match = FORM.exec(text.trim());
  if (match === null) {
    throw new Error('the join token is not complete; copy all of what "register" printed, it begins with CAIJ1.');
  }
  const [, caDigest, workerId, secret] = match;
  return { caDigest: caDigest!, workerId: workerId!, secret: secret! };
}
