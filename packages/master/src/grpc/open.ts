/** The gRPC port as the settings of the master want it: where, with which certificate, or not at all. */
import type { Logger } from 'pino';
import { bind, namesOf } from '../addresses.ts';
import type { MasterContext } from '../context.ts';
import type { Authority } from '../identity/authority.ts';
import type { MasterOptions } from '../options.ts';
import { isLoopback } from '../rest/hosts.ts';
import { type Grpc, startGrpc } from './server.ts';

export interface GrpcPort {
  /** null: not served. */
  readonly url: string | null;
  renewCertificate(now: number): Promise<void>;
  close(): Promise<void>;
}

export interface GrpcStart {
  readonly context: MasterContext;
  readonly authority: Authority;
  readonly options: Pick<MasterOptions, 'grpc' | 'rest'>;
  readonly log: Logger;
}

const USUAL_PORT = 50_052;
const NOT_SERVED: GrpcPort = { url: null, renewCertificate: async () => {}, close: async () => {} };

/**
 * A port that was asked for has to be free. The usual one may be somebody else's, an older worker's for example: that is
 * no reason not to start, but one to warn.
 */
export async function openGrpc({ context, authority, options, log }: GrpcStart): Promise<GrpcPort> {
  if (options.grpc === undefined) return NOT_SERVED;
  const { host = '127.0.0.1', port } = options.grpc;
  const { hosts = [], requestsPerSecond, failedLogins } = options.rest ?? {};
  const bounds = {
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
    ...(failedLogins === undefined ? {} : { failedLogins }),
  };
  const names = namesOf([host, ...hosts]);
  const tls = isLoopback(host) ? undefined : await authority.issueServer(names, Date.now());
  const failures = { error: (fields: object, message: string) => log.error(fields, message) };
  const start = (at: number) =>
    startGrpc(context, { host, port: at, hosts, ...bounds, log: failures, ...(tls === undefined ? {} : { tls }) });
  let grpc: Grpc;
  try {
    grpc = port === undefined ? await start(USUAL_PORT) : await bind(() => start(port), host, port, 'programs');
  } catch (error) {
    if (port !== undefined || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    log.warn(`${host}:${USUAL_PORT} is taken: gRPC is not served; choose another with --grpc-listen HOST:PORT`);
    return NOT_SERVED;
  }
  return {
    url: grpc.url,
    async renewCertificate(now) {
      if (tls !== undefined) grpc.setCredentials(await authority.issueServer(names, now));
    },
    close: () => grpc.close(),
  };
}
