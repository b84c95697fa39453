/** A client of the master's worker service over one HTTP/2 connection with mutual TLS. */
import type tls from 'node:tls';
import { workerWire } from '@cloudai/api';
import { type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';

/** Quicker than the operating system's own keep-alive, slower than heartbeats: only for calls outside a session. */
const PING_MS = 20_000;
const PING_TIMEOUT_MS = 10_000;
/** Node's default of 64 KiB would hold a fast link to a fraction of its speed. */
const WINDOW_BYTES = 2 ** 20;
/** Beyond any message of the protocol. */
const MAX_MESSAGE_BYTES = 16 * 2 ** 20;

export interface MasterAddress {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_WORKER_PORT = 50051;

/** `host`, `host:port`, `[v6]:port`. */
export function parseMasterAddress(text: string): MasterAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const port = Number(match?.[3] ?? DEFAULT_WORKER_PORT);
  if (match === null || port < 1 || port > 65_535) {
    throw new Error(`"${text}" is not an address of a master; write host:port, for example master.example:50051`);
  }
  return { host: (match[1] ?? match[2])!, port };
}

export interface MasterClient {
  readonly service: Client<typeof workerWire.WorkerService>;
  /** Ends the connection and every call on it. */
  close(): void;
}

export function openMasterClient({ host, port }: MasterAddress, options: tls.ConnectionOptions): MasterClient {
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const sessionManager = new Http2SessionManager(
    url,
    // No pings on an idle connection: connect-node 2.2.0 goes on with them after the connection was closed on purpose, and
    // the ping of a closed connection throws where nobody can catch it. A session's stream is never idle.
    { pingIntervalMs: PING_MS, pingTimeoutMs: PING_TIMEOUT_MS, pingIdleConnection: false },
    { ...options, settings: { initialWindowSize: WINDOW_BYTES } },
  );
  const transport = createGrpcTransport({
    baseUrl: url,
    sessionManager,
    // Compression costs more than the network here, and bounds are checked before anything is unpacked.
    acceptCompression: [],
    readMaxBytes: MAX_MESSAGE_BYTES,
    writeMaxBytes: MAX_MESSAGE_BYTES,
  });
  return { service: createClient(workerWire.WorkerService, transport), close: () => sessionManager.abort() };
}
