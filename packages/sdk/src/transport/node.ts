import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import {
  ConnectionError,
  type ConnectionErrorKind,
  type Transport,
  type TransportOptions,
  type TransportRequest,
  type TransportResponse,
} from './transport.ts';

/** Detects a peer that vanished without a word while a log is being followed. */
const KEEP_ALIVE_PROBE_MS = 15_000;

export function createTransport(options: TransportOptions): Transport {
  const agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({
      keepAlive: true,
      ...(options.ca === null ? {} : { ca: [...rootCertificates, options.ca] }),
    }),
  };
  return {
    send: (request) => send(request, agents),
    close: () => {
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
}

function send(
  request: TransportRequest,
  agents: { 'http:': http.Agent; 'https:': https.Agent },
): Promise<TransportResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<TransportResponse>();
  const url = new URL(request.url);
  const secure = url.protocol === 'https:';
  const outgoing = (secure ? https : http).request(url, {
    method: request.method,
    headers: {
      ...request.headers,
      ...(request.body === null ? {} : { 'content-length': String(Buffer.byteLength(request.body)) }),
    },
    agent: agents[secure ? 'https:' : 'http:'],
    ...(request.signal === null ? {} : { signal: request.signal }),
  });
  const timer = setTimeout(() => {
    outgoing.destroy(
      new ConnectionError('lost', `no answer from ${url.host} within ${request.answerTimeoutMs / 1000} s`),
    );
  }, request.answerTimeoutMs);
  outgoing.on('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS));
  outgoing.on('error', (error) => {
    clearTimeout(timer);
    reject(explain(error, url, request.signal));
  });
  outgoing.on('response', (incoming) => {
    clearTimeout(timer);
    resolve({
      status: incoming.statusCode ?? 0,
      header: (name) => {
        const value = incoming.headers[name.toLowerCase()];
        return Array.isArray(value) ? value.join(', ') : (value ?? null);
      },
      body: bodyOf(incoming, url, request.signal),
    });
  });
  outgoing.end(request.body ?? undefined);
  return promise;
}

async function* bodyOf(
  incoming: http.IncomingMessage,
  url: URL,
  signal: AbortSignal | null,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* incoming as AsyncIterable<Buffer>;
  } catch (error) {
    throw explain(error, url, signal);
  }
}

function explain(error: unknown, url: URL, signal: AbortSignal | null): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (!(error instanceof Error) || error instanceof ConnectionError) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  const kind = kindOf(code);
  return new ConnectionError(kind, sentence(kind, code, error, url), { cause: error });
}

const REFUSED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

function kindOf(code: string): ConnectionErrorKind {
  if (REFUSED.has(code)) return 'refused';
  return /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_VERIFY|^EPROTO$/.test(code) ? 'tls' : 'lost';
}

function sentence(kind: ConnectionErrorKind, code: string, error: Error, url: URL): string {
  if (code === 'ECONNREFUSED') return `nobody listens at ${url.host}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the name ${url.hostname} is not known`;
  if (kind === 'tls') return `the certificate of ${url.host} is not trusted (${code}: ${error.message})`;
  if (kind === 'lost') return `the connection to ${url.host} broke (${error.message})`;
  return `cannot reach ${url.host} (${error.message})`;
}
