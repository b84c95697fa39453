/**
 * One port for HTTP/2 (gRPC) and HTTP/1.1 (gRPC-Web, Connect, curl). Under TLS the hand-shake says which it is; in the
 * clear the first bytes do, as every HTTP/2 client begins with the same ones.
 */
import { createServer as createHttp1, type Server as Http1Server, type ServerOptions } from 'node:http';
import {
  createServer as createHttp2,
  createSecureServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
} from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { connectNodeAdapter } from '@connectrpc/connect-node';
import { MIN_TLS_VERSION } from '../rest/server.ts';

/** Of either version of HTTP. */
export type Handler = ReturnType<typeof connectNodeAdapter>;

export interface Tls {
  readonly key: string;
  readonly cert: string;
}

const HEADER_BYTES = 16 * 1024;
const HEADERS_MS = 10_000;
/** For a request to arrive whole; answers may take as long as they want. */
const REQUEST_MS = 60_000;
const KEEP_ALIVE_MS = 75_000;
const TCP_KEEP_ALIVE_MS = 30_000;
/** Until the first bytes. */
const SILENT_MS = 10_000;
const MOST_CONNECTIONS = 5_000;
const MOST_STREAMS = 200;
const STREAM_WINDOW_BYTES = 256 * 1024;
/** Calls that still run so long after the port was told to close are cut off. */
const CLOSE_GRACE_MS = 5_000;
const LINGER_MS = 300;

const HTTP2_BEGINS = Buffer.from('PRI');

export class Listener {
  readonly #tls: Http2SecureServer | null;
  /** What listens. */
  readonly #server: Server;
  readonly #http1: Http1Server | null;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<Socket>();

  /** Under way. */
  #calls = 0;

  constructor(answer: Handler, tls: Tls | null) {
    const handler: Handler = (request, response) => {
      this.#calls += 1;
      response.once('close', () => {
        this.#calls -= 1;
      });
      answer(request, response);
    };
    const http1 = {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: HEADERS_MS / 2,
    } satisfies ServerOptions;
    const http2 = {
      maxHeaderListPairs: 100,
      settings: {
        maxConcurrentStreams: MOST_STREAMS,
        initialWindowSize: STREAM_WINDOW_BYTES,
        maxHeaderListSize: HEADER_BYTES,
        enablePush: false,
      },
      streamResetBurst: 1_000,
      streamResetRate: 100,
    };
    if (tls === null) {
      this.#tls = null;
      this.#http1 = createHttp1(http1, handler);
      const clear = this.#watch(createHttp2(http2, handler));
      // It does not listen itself, and without this it would neither count its connections nor time them.
      this.#http1.emit('listening');
      const first = this.#http1;
      this.#server = createServer((socket) => hand(socket, first, clear));
    } else {
      this.#tls = createSecureServer(
        { ...http2, ...http1, ...tls, allowHTTP1: true, minVersion: MIN_TLS_VERSION, handshakeTimeout: SILENT_MS },
        handler,
      );
      this.#http1 = null;
      this.#watch(this.#tls);
      this.#tls.on('tlsClientError', () => {});
      this.#server = this.#tls;
    }
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
      socket.setNoDelay(true);
      // A broken connection; what ran on it hears of it by itself.
      socket.on('error', () => {});
    });
  }

  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host.replace(/^\[|\]$/g, ''), () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** For connections from now on. Only where it was started with one. */
  setCredentials({ key, cert }: Tls): void {
    this.#tls?.setSecureContext({ key, cert, minVersion: MIN_TLS_VERSION });
  }

  /** Calls that run may finish within a grace. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    this.#http1?.close();
    const start = performance.now();
    let callsUntil = start;
    // Connections without a call are over, whatever the other side thinks of it; but a last answer may be on its way.
    const timer = setInterval(() => {
      this.#http1?.closeIdleConnections();
      const now = performance.now();
      if (this.#calls > 0) callsUntil = now;
      if (now - start < CLOSE_GRACE_MS && now - callsUntil < LINGER_MS) return;
      for (const socket of this.#sockets) socket.destroy();
    }, 20);
    await closed;
    clearInterval(timer);
  }

  #watch<S extends Http2Server | Http2SecureServer>(server: S): S {
    server.on('session', (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
      session.on('error', () => {});
    });
    server.on('sessionError', () => {});
    return server;
  }
}

/** Looks at the first bytes and gives the connection, with them, to whom it belongs. */
function hand(socket: Socket, http1: Http1Server, http2: Http2Server): void {
  let seen = Buffer.alloc(0);
  const silence = setTimeout(() => socket.destroy(), SILENT_MS);
  socket.once('close', () => clearTimeout(silence));
  const look = (bytes: Buffer): void => {
    seen = Buffer.concat([seen, bytes]);
    const begins = seen.subarray(0, HTTP2_BEGINS.length);
    const isPrefix = begins.equals(HTTP2_BEGINS.subarray(0, begins.length));
    if (isPrefix && begins.length < HTTP2_BEGINS.length) return;
    clearTimeout(silence);
    socket.off('data', look);
    socket.pause();
    socket.unshift(seen);
    // HTTP/2 takes what was read from the socket by itself, HTTP/1.1 as it flows.
    if (isPrefix) http2.emit('connection', socket);
    else http1.emit('connection', socket.resume());
  };
  socket.on('data', look);
}
