/**
 * The part of Docker's HTTP API that the worker uses, on node:http over the unix socket. Short calls share a few kept
 * connections; each long stream (log, events, pull) has a connection of its own, so that it can not hold up the others.
 */
import http from 'node:http';

/** Engines refuse versions outside their range; this is the one that the worker was written against. */
const API_VERSION = '1.41';
/** dockerd serialises most of its work; more parallel calls only wait there instead of here. */
const MAX_CONNECTIONS = 32;
/** A create or start on a loaded machine takes seconds; beyond this the daemon hangs. */
const CALL_TIMEOUT_MS = 120_000;

export interface DockerCall {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'HEAD';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** The daemon answered with an error. */
export class DockerError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'DockerError';
    this.status = status;
  }
}

/** The daemon did not answer. */
export class DockerUnreachable extends Error {
  constructor(message: string, options: { cause: unknown }) {
    super(message, options);
    this.name = 'DockerUnreachable';
  }
}

export class DockerClient {
  readonly socketPath: string;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: 8 });
  #version: Promise<string> | null = null;
  #calls = 0;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** Requests made so far, for tests that count what a task costs. */
  get calls(): number {
    return this.#calls;
  }

  /** Answers the parsed body; a status of 400 or above throws `DockerError`. */
  async json<T>(call: DockerCall): Promise<T> {
    const { body } = await this.#request(call);
    // The daemon is trusted to speak its own API; only labels, which others can set, are checked where they are read.
    return (body.length === 0 ? undefined : JSON.parse(body.toString('utf8'))) as T;
  }

  /** The status of a call whose answer has no body that matters. */
  async status(call: DockerCall): Promise<number> {
    return (await this.#request(call)).status;
  }

  /** Opens a long answer; the caller reads it to its end or destroys it. */
  async stream(call: DockerCall): Promise<http.IncomingMessage> {
    const response = await this.#open(call, false);
    if ((response.statusCode ?? 0) < 400) return response;
    throw errorOf(response.statusCode ?? 0, await readAll(response));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #request(call: DockerCall): Promise<{ status: number; body: Buffer }> {
    const response = await this.#open(call, true);
    const body = await readAll(response).catch((error: unknown) => {
      throw unreachable(this.socketPath, error);
    });
    const status = response.statusCode ?? 0;
    if (status >= 400) throw errorOf(status, body);
    return { status, body };
  }

  async #open(call: DockerCall, pooled: boolean): Promise<http.IncomingMessage> {
    this.#version ??= this.#negotiate();
    const version = await this.#version.catch((error: unknown) => {
      this.#version = null;
      throw error;
    });
    return this.#send(call, `/v${version}${call.path}${queryText(call.query)}`, pooled);
  }

  async #negotiate(): Promise<string> {
    const response = await this.#send({ method: 'GET', path: '/version', timeoutMs: 10_000 }, '/version', true);
    const body = await readAll(response);
    if (response.statusCode !== 200) throw errorOf(response.statusCode ?? 0, body);
    const { ApiVersion, MinAPIVersion } = JSON.parse(body.toString('utf8')) as {
      ApiVersion: string;
      MinAPIVersion?: string;
    };
    if (MinAPIVersion !== undefined && compareVersions(API_VERSION, MinAPIVersion) < 0) return MinAPIVersion;
    return compareVersions(API_VERSION, ApiVersion) > 0 ? ApiVersion : API_VERSION;
  }

  #send(call: DockerCall, path: string, pooled: boolean): Promise<http.IncomingMessage> {
    this.#calls += 1;
    const payload = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    return new Promise((resolve, reject) => {
      const request = http.request({
        socketPath: this.socketPath,
        agent: pooled ? this.#agent : false,
        method: call.method,
        path,
        headers: {
          host: 'docker',
          ...(payload === undefined
            ? call.method === 'POST' && { 'content-length': 0 }
            : { 'content-type': 'application/json', 'content-length': payload.byteLength }),
          ...call.headers,
        },
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      });
      if (pooled) {
        const timeoutMs = call.timeoutMs ?? CALL_TIMEOUT_MS;
        request.setTimeout(timeoutMs, () => {
          request.destroy(new Error(`no answer to ${call.method} ${call.path} within ${timeoutMs} ms`));
        });
      }
      request.once('response', resolve);
      request.once('error', (error) => reject(unreachable(this.socketPath, error)));
      request.end(payload);
    });
  }
}

/** `DOCKER_HOST=unix://...`, or the usual place. Throws for hosts that the worker does not use. */
export function dockerSocketPath(host: string | undefined): string {
  if (host === undefined || host === '') return '/var/run/docker.sock';
  if (host.startsWith('unix://')) return host.slice('unix://'.length);
  throw new Error(
    `DOCKER_HOST is "${host}"; the worker talks to Docker over a unix socket only (unix:///var/run/docker.sock)`,
  );
}

function unreachable(socketPath: string, error: unknown): Error {
  const { code, message, name } = error as NodeJS.ErrnoException;
  if (name === 'AbortError') return error as Error;
  if (error instanceof DockerUnreachable) return error;
  return new DockerUnreachable(`Docker at ${socketPath}: ${adviceFor(code) ?? message}`, { cause: error });
}

function adviceFor(code: string | undefined): string | null {
  if (code === 'ENOENT') return 'there is no such socket; is Docker installed and running?';
  if (code === 'ECONNREFUSED') return 'nothing listens there; start Docker (systemctl start docker)';
  if (code === 'EACCES') return 'permission denied; add the user of the worker to the group "docker"';
  return null;
}

function errorOf(status: number, body: Buffer): DockerError {
  const text = body.toString('utf8').trim();
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return new DockerError(status, message);
  } catch {
    // Not JSON: a proxy or an old engine; the text itself is the best there is.
  }
  return new DockerError(status, text === '' ? `HTTP ${status}` : text);
}

async function readAll(response: http.IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

function queryText(query: DockerCall['query']): string {
  if (query === undefined) return '';
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  return entries.length === 0
    ? ''
    : `?${entries.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join('&')}`;
}

function compareVersions(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}
