import type { Identity } from '../context.ts';
import type { Authority } from './authority.ts';
import { makeApiToken, makeJoinToken, sha256Hex } from './tokens.ts';

export function identityOf(authority: Authority): Identity {
  return {
    clusterId: authority.clusterId,
    rootPem: authority.rootPem,
    makeJoinToken: (workerId) => makeJoinToken(authority.rootDigest, workerId),
    makeApiToken,
    hashApiToken: sha256Hex,
  };
}
