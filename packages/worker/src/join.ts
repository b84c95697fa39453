/** How a worker becomes one of a cluster: by the identity it has, or by exchanging a join token for one. */
import { create } from '@bufbuild/protobuf';
import { workerWire } from '@cloudai/api';
import { type Code, ConnectError } from '@connectrpc/connect';
import type { Logger } from 'pino';
import {
  chainToPem,
  fetchPinnedRoot,
  type Identity,
  loadIdentity,
  makeKeyAndRequest,
  storeIdentity,
  tlsOptions,
} from './identity.ts';
import { parseJoinToken } from './join-token.ts';
import { type MasterAddress, openMasterClient } from './master-client.ts';

const JOIN_CALL_MS = 30_000;

export interface JoinOptions {
  readonly dataDirectory: string;
  /** Checked against the token or the stored identity when given. */
  readonly id?: string | undefined;
  readonly join?: string | undefined;
}

export async function ensureIdentity(options: JoinOptions, address: MasterAddress, log: Logger): Promise<Identity> {
  const stored = await loadIdentity(options.dataDirectory);
  if (stored !== null && (options.id === undefined || options.id === stored.workerId)) return stored;
  if (stored !== null && options.join === undefined) {
    throw new Error(
      `${options.dataDirectory} belongs to the worker "${stored.workerId}", not to "${options.id}"; use another data directory`,
    );
  }
  if (options.join === undefined) {
    throw new Error(
      'this worker has not joined a cluster yet; "register" it on the master and pass the token with --join',
    );
  }
  const identity = await join(options.join, options.id, address);
  await storeIdentity(options.dataDirectory, identity);
  log.info({ worker: identity.workerId, cluster: identity.clusterId }, 'joined the cluster');
  return identity;
}

/** Exchanges the token for a certificate. */
async function join(text: string, id: string | undefined, address: MasterAddress): Promise<Identity> {
  const token = parseJoinToken(text);
  if (id !== undefined && id !== token.workerId) {
    throw new Error(`the join token is for the worker "${token.workerId}", not for "${id}"`);
  }
  const ca = await fetchPinnedRoot(address.host, address.port, token);
  const { key, csr } = await makeKeyAndRequest(token.workerId);
  const master = openMasterClient(address, tlsOptions(ca, null, null));
  try {
    const { certificateChain, clusterId } = await master.service.registerWorker(
      create(workerWire.RegisterWorkerRequestSchema, { workerId: token.workerId, joinSecret: token.secret, csr }),
      { timeoutMs: JOIN_CALL_MS },
    );
    return { workerId: token.workerId, clusterId, key, chain: chainToPem(certificateChain), ca };
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    throw new JoinRefused(`the master did not let this worker join: ${rawMessage}`, code, { cause: error });
  } finally {
    master.close();
  }
}

/** The master was reached and said no, or broke off. */
export class JoinRefused extends Error {
  readonly code: Code;
  constructor(message: string, code: Code, options: { cause: unknown }) {
    super(message, options);
    this.name = 'JoinRefused';
    this.code = code;
  }
}
