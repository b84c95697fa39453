import http from 'node:http';
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

interface Wire {
  readonly request: typeof http.request;
  readonly agent: http.Agent;
}

export function createTransport(options: TransportOptions): Transport {
  const wires = new Map<string, Promise<Wire>>();
  const wireOf = (protocol: string) => {
    let wire = wires.get(protocol);
    if (wire === undefined) {
      wire = protocol === 'https:' ? secureWire(options) : plainWire();
      wires.set(protocol, wire);
    }
    return wire;
  };
  return {
    send: async (request) => send(request, await wireOf(new URL(request.url).protocol)),
    close: () => {
      for (const wire of wires.values()) void wire.then(({ agent }) => agent.destroy());
    },
  };
}

async function plainWire(): Promise<Wire> {
  return { request: http.request, agent: new http.Agent({ keepAlive: true }) };
}

/** TLS is loaded by those who use it: it takes a tenth of the start of a short command. */
async function secureWire({ ca }: TransportOptions): Promise<Wire> {
  const [https, tls] = await Promise.all([import('node:https'), import('node:tls')]);
  const trust = ca === null ? {} : { ca: [...tls.rootCertificates, ca] };
  return { request: https.request, agent: new https.Agent({ keepAlive: true, ...trust }) };
}

function send(request: TransportRequest, wire: Wire): Promise<TransportResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<TransportResponse>();
  const url = new URL(request.url);
  const outgoing = wire.request(url, {
    method: request.method,
    headers: {
      ...request.headers,
      ...(request.body === null ? {} : { 'content-length': String(Buffer.byteLength(request.body)) }),
    },
    agent: wire.agent,
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

/** The failure in words, as the kind of ConnectionError that it is. */
export function explain(error: unknown, url: URL, signal: AbortSignal | null): unknown {
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
