/** Secrets that are shown once and kept as hashes only. They are random and long, so a plain SHA-256 is enough. */
import { hash, randomBytes } from 'node:crypto';
import { newId } from '../ids.ts';

export interface JoinToken {
  /** `CAIJ1.<sha256 hex of the root CA's DER>.<worker id>.<secret>`. An id may contain dots: cut from both ends. */
  readonly token: string;
  readonly hash: string;
}

/** 128 bits in base64url. */
const JOIN_SECRET_BYTES = 16;
export const JOIN_SECRET_LENGTH = 22;

export function makeJoinToken(rootDigest: string, workerId: string): JoinToken {
  const secret = randomBytes(JOIN_SECRET_BYTES).toString('base64url');
  return { token: `CAIJ1.${rootDigest}.${workerId}.${secret}`, hash: sha256Hex(secret) };
}

export function makeApiToken(parent?: string): { readonly id: string; readonly token: string; readonly hash: string } {
  const id = parent === undefined ? newId(10) : `${parent}.${newId(10)}`;
  const token = `cai_${id}_${randomBytes(32).toString('base64url')}`;
  return { id, token, hash: sha256Hex(token) };
}

export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data);
}
