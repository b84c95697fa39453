/** Answers like a Docker engine on a unix socket of its own, as far as a test says; everything else is 404. */
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

type Handler = (request: http.IncomingMessage, response: http.ServerResponse, url: URL) => void | Promise<void>;

export class FakeEngine {
  readonly socketPath: string;
  /** `GET /images/x/json`, without the version. */
  readonly calls: string[] = [];
  readonly #directory: string;
  readonly #routes: { readonly method: string; readonly pattern: RegExp; readonly handler: Handler }[] = [];
  #server: http.Server | null = null;

  private constructor(directory: string) {
    this.#directory = directory;
    this.socketPath = path.join(directory, 'docker.sock');
    this.on('GET', /^\/version$/, json({ ApiVersion: '1.41', MinAPIVersion: '1.12' }));
  }

  static async start(): Promise<FakeEngine> {
    const engine = new FakeEngine(await mkdtemp(path.join(os.tmpdir(), 'fake-engine-')));
    await engine.up();
    return engine;
  }

  on(method: string, pattern: RegExp, handler: Handler): this {
    this.#routes.unshift({ method, pattern, handler });
    return this;
  }

  async up(): Promise<void> {
    this.#server = http.createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://docker');
      const route = url.pathname.replace(/^\/v1\.\d+/, '');
      this.calls.push(`${request.method} ${route}`);
      const match = this.#routes.find(({ method, pattern }) => method === request.method && pattern.test(route));
      if (match === undefined) answer(response, 404, { message: `no route for ${request.method} ${route}` });
      else void match.handler(request, response, url);
    });
    await new Promise<void>((resolve) => this.#server?.listen(this.socketPath, resolve));
  }

  /** As `kill -9` of the daemon does it. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  }

  async stop(): Promise<void> {
    await this.down();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

export function answer(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function json(body: unknown, status = 200): Handler {
  return (_request, response) => answer(response, status, body);
}
