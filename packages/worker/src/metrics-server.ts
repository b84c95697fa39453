/** `GET /metrics` of a worker, on a port of its own. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface MetricsServerOptions {
  /** `host:port`, `:port` or a port; without a host it is this machine's loopback. */
  readonly listen: string;
  /** Bearer token. Needed beyond loopback, where others could read along who runs what. */
  readonly token: string | null;
  readonly contentType: string;
  text(): Promise<string>;
}

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 50;
const REQUEST_MS = 10_000;

/** Rejects with a text for people when it can not listen. */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const { host, port } = readAddress(options.listen);
  if (!isLoopback(host) && options.token === null)
    throw new Error(
      `refusing to show metrics on ${host} to everybody: set worker.metricsToken, or listen on 127.0.0.1:${port}`,
    );
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    if (path !== '/metrics') return answer(response, 404, 'There is only /metrics\n');
    if (request.method !== 'GET') return answer(response, 405, 'GET only\n');
    if (!mayRead(request.headers.authorization, options.token)) return answer(response, 401, 'A token is needed\n');
    options.text().then(
      (text) => answer(response, 200, text, options.contentType),
      () => answer(response, 500, 'The metrics could not be collected\n'),
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, host, port);
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(text);
}

function mayRead(authorization: string | undefined, token: string | null): boolean {
  if (token === null) return true;
  const [, given = ''] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
  const [a, b] = [given, token].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a!, b!);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new Error(`can not show metrics on ${host}:${port} (${cause.code}); choose another worker.metrics`, { cause }),
      ),
    );
    server.listen(port, host, () => resolve());
  });
}

export function readAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text);
  if (match === null || Number(match[3]) > 65_535) throw new Error(`${text} is not HOST:PORT; write 127.0.0.1:9101`);
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port: Number(match[3]) };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
