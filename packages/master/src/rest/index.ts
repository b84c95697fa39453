import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { MasterContext } from '../context.ts';
import { isLoopback } from './hosts.ts';
import type { RestOptions } from './options.ts';
import { buildServer, MIN_TLS_VERSION } from './server.ts';

export { isLoopback } from './hosts.ts';
export type { MetricsAccess, RestLog, RestMetrics, RestOptions } from './options.ts';

export interface Rest {
  /** Where it listens, with the port that was taken. */
  readonly url: string;
  /** What is open: WebSocket connections, log streams. */
  open(): { readonly watches: number; readonly streams: number };
  /** A renewed certificate for connections from now on. Only where it was started with one. */
  setCredentials(tls: NonNullable<RestOptions['tls']>): void;
  /** Stops listening, ends streams with a hint to come back, and lets running requests finish. */
  close(): Promise<void>;
}

export async function startRest(context: MasterContext, options: RestOptions): Promise<Rest> {
  if (options.tls === undefined && !isLoopback(options.host))
    throw new Error(
      `refusing to listen on ${options.host} without TLS: tokens would cross the network in the clear; give a certificate, or listen on 127.0.0.1`,
    );
  const server = buildServer(context, options);
  await server.app.listen({ host: options.host, port: options.port });
  const { port } = server.app.server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host.replace(/^\[|\]$/g, '')}]` : options.host;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    open: () => ({ watches: server.watches.size, streams: server.streams.size }),
    setCredentials({ key, cert }) {
      const { server: listener } = server.app;
      if (listener instanceof TlsServer) listener.setSecureContext({ key, cert, minVersion: MIN_TLS_VERSION });
    },
    close: () => server.close(),
  };
}
