/**
 * The port that workers dial: gRPC over HTTP/2 and TLS 1.3. Every call but `RegisterWorker` needs a certificate of this
 * cluster. It is asked for but not demanded by TLS itself, so that a refusal can say why and what to do.
 */

import { constants } from 'node:crypto';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { workerWire as wire } from '@cloudai/api';
import { createContextKey, createContextValues, type HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { type UploadServices, uploadArtifact } from '../artifacts/upload.ts';
import type { ServerCredentials } from '../identity/authority.ts';
import { type Peer, peerOf } from '../identity/peer.ts';
import { ConnectionGuard, DEFAULT_GUARD, type GuardLimits } from './connection-guard.ts';
import type { WorkerJoin } from './join.ts';
import { refusalError, refuse } from './refusal.ts';
import { type SessionServices, type WorkerPeer, WorkerSession } from './session.ts';
import { down } from './wire.ts';

export interface WorkerServerOptions {
  readonly host: string;
  readonly port: number;
  readonly credentials: ServerCredentials;
  readonly sessions: SessionServices;
  readonly uploads: UploadServices;
  readonly join: WorkerJoin;
  readonly guard?: GuardLimits;
}

/** A call and the connection that it came on. */
interface Connection {
  readonly peer: Peer;
  readonly remoteAddress: string | null;
  readonly session: ServerHttp2Session | null;
}

const HANDSHAKE_MS = 5_000;
/** Hello with 10,000 found attempts, or an end with as many artifacts, fits. */
const SESSION_MESSAGE_BYTES = 4 * 2 ** 20;
const UPLOAD_MESSAGE_BYTES = 2 ** 20;
/** The certificate request is the largest part. */
const JOIN_MESSAGE_BYTES = 16 * 1024;
/** One session, renewals and a few uploads at a time. */
const MOST_STREAMS = 100;
/** Bytes on the way up per stream and per connection: enough for logs at the speed of the disk. */
const STREAM_WINDOW_BYTES = 2 ** 20;
const CONNECTION_WINDOW_BYTES = 4 * 2 ** 20;
/** Frees what a dead peer left; who is dead is found out by heartbeats, long before. */
const KEEP_ALIVE_MS = 30_000;
const STOP_MS = 1_000;

const CONNECTION = createContextKey<Connection>({ peer: { kind: 'anonymous' }, remoteAddress: null, session: null });

export class WorkerServer {
  readonly #options: WorkerServerOptions;
  readonly #server: Http2SecureServer;
  readonly #guard: ConnectionGuard;
  readonly #peers = new WeakMap<ServerHttp2Session, Connection>();
  readonly #connections = new Set<ServerHttp2Session>();
  /** Below TLS: those in the middle of their hand-shake, too. */
  readonly #sockets = new Set<Socket>();

  constructor(options: WorkerServerOptions) {
    this.#options = options;
    this.#guard = new ConnectionGuard(options.guard ?? DEFAULT_GUARD);
    this.#server = createSecureServer(
      {
        ...options.credentials,
        requestCert: true,
        rejectUnauthorized: false,
        minVersion: 'TLSv1.3',
        ALPNProtocols: ['h2'],
        allowHTTP1: false,
        handshakeTimeout: HANDSHAKE_MS,
        // A resumed connection would carry the verdict of an earlier one.
        secureOptions: constants.SSL_OP_NO_TICKET,
        settings: { maxConcurrentStreams: MOST_STREAMS, initialWindowSize: STREAM_WINDOW_BYTES, enablePush: false },
        streamResetBurst: 200,
        streamResetRate: 20,
      },
      this.#handler(),
    );
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      this.#guard.admit(socket);
    });
    this.#server.on('session', (session) => this.#admit(session));
    // Hand-shakes that fail are the other side's business; their sockets are closed by then.
    this.#server.on('tlsClientError', () => {});
    this.#server.on('sessionError', () => {});
  }

  /** Resolves with the port that it listens on. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** For connections from now on. */
  setCredentials(credentials: ServerCredentials): void {
    this.#server.setSecureContext({ ...credentials, minVersion: 'TLSv1.3', secureOptions: constants.SSL_OP_NO_TICKET });
  }

  /** Workers are told to come back later; then the port closes. */
  async stop(message: string): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#options.sessions.registry.closeAll(message);
    for (const session of this.#connections) session.close();
    // A session that is closing waits for the other side, also when it is destroyed, and a worker whose machine is gone
    // never answers; so it is the sockets that end.
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, STOP_MS);
    await closed;
    clearTimeout(timer);
  }

  /** As a broken network would; for tests. */
  abort(): void {
    for (const session of this.#connections) session.destroy();
  }

  #admit(session: ServerHttp2Session): void {
    const socket = session.socket as TLSSocket;
    const peer = peerOf(socket, this.#options.sessions.clusterId);
    this.#peers.set(session, { peer, remoteAddress: addressOf(socket), session });
    this.#connections.add(session);
    session.once('close', () => this.#connections.delete(session));
    // A broken connection; what ran on it hears of it by itself.
    session.on('error', () => {});
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    if (peer.kind === 'worker') this.#guard.accept(socket);
  }

  #handler(): ReturnType<typeof connectNodeAdapter> {
    const { join, uploads } = this.#options;
    const { registerWorker, renewCertificate, session, uploadArtifact: upload } = wire.WorkerService.method;
    const handler = connectNodeAdapter({
      connect: false,
      grpcWeb: false,
      acceptCompression: [],
      contextValues: (request) =>
        createContextValues().set(CONNECTION, this.#connectionOf(request as Http2ServerRequest)),
      routes: (router) => {
        router.rpc(registerWorker, (request) => join.register(request), { readMaxBytes: JOIN_MESSAGE_BYTES });
        router.rpc(renewCertificate, (request, context) => join.renew(workerOf(context), request), {
          readMaxBytes: JOIN_MESSAGE_BYTES,
          requestGate: (context) => void workerOf(context),
        });
        router.rpc(upload, (requests, context) => uploadArtifact(uploads, workerOf(context), requests), {
          readMaxBytes: UPLOAD_MESSAGE_BYTES,
          requestGate: (context) => void workerOf(context),
        });
        router.rpc(session, (requests, context) => this.#session(requests, context), {
          readMaxBytes: SESSION_MESSAGE_BYTES,
        });
      },
    });
    return (request, response) => {
      const authority = 'authority' in request ? request.authority : request.headers.host;
      if (URL.canParse(`https://${authority}`)) return handler(request, response);
      // The adapter would throw, where nobody catches it: a stranger could end the process.
      response.writeHead(400);
      response.end();
    };
  }

  /** Refusals go down the stream, where the worker looks for what the master says. */
  async *#session(
    requests: AsyncIterable<wire.SessionRequest>,
    context: HandlerContext,
  ): AsyncGenerator<wire.SessionResponse> {
    const { peer, remoteAddress, session } = context.values.get(CONNECTION);
    if (peer.kind !== 'worker') {
      yield down({ case: 'refused', value: { ...refuse('unauthenticated', strangerMessage(peer)) } });
      return;
    }
    await this.#options.join.acknowledge(peer);
    const hangUp = (): void => session?.destroy();
    yield* new WorkerSession(this.#options.sessions, peer, remoteAddress, hangUp).run(requests);
  }

  #connectionOf(request: Http2ServerRequest): Connection {
    const session = request.stream.session as ServerHttp2Session | undefined;
    return (session && this.#peers.get(session)) ?? { peer: { kind: 'anonymous' }, remoteAddress: null, session: null };
  }
}

function workerOf(context: HandlerContext): WorkerPeer {
  const { peer } = context.values.get(CONNECTION);
  if (peer.kind === 'worker') return peer;
  throw refusalError(refuse('unauthenticated', strangerMessage(peer)));
}

function strangerMessage(peer: Exclude<Peer, WorkerPeer>): string {
  if (peer.kind === 'refused') return `Refused: ${peer.message}.`;
  return 'This call needs the certificate of a worker. Register the worker, then start it with the join token: cloudai worker --join TOKEN';
}

function addressOf(socket: TLSSocket): string | null {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined) return null;
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
