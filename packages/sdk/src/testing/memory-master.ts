/**
 * Every operation of ROUTES over a real HTTP server, on plain maps. It decides as little as clients need to be tested:
 * no scheduling, no containers. A test ends tasks and writes their logs itself, and can let connections break.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { ERRORS, type ErrorCode } from '@cloudai/api/errors';
import type { LogLine, NamespaceView, TaskDetail, TaskView, UserView, WorkerView } from '@cloudai/api/rest';
import { type OperationName, ROUTES, type Route } from '@cloudai/api/routes';
import { handlers } from './memory-operations.ts';

/** What goes wrong with the next request to an operation. */
export type Mishap =
  /** The connection breaks before anything is done. */
  | 'break-before'
  /** It is carried out, and then the connection breaks without an answer. */
  | 'break-after'
  | { readonly status: number; readonly code: ErrorCode; readonly retryAfter?: number };

export interface SeenRequest {
  readonly operation: OperationName;
  readonly headers: http.IncomingHttpHeaders;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly params: Readonly<Record<string, string>>;
}

export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** A log as it is stored, and whoever waits for more of it. */
export interface MemoryLog {
  readonly lines: LogLine[];
  ended: boolean;
  readonly waiting: Set<() => void>;
}

/** An answer that is not JSON: chunks, or an exact body. */
export interface StreamAnswer {
  readonly type: string;
  readonly length?: number;
  readonly chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;
}

export class MemoryMaster {
  readonly token = 'cai_4xk2m7_secret';
  readonly tasks = new Map<string, TaskDetail>();
  readonly workers = new Map<string, WorkerView>();
  readonly namespaces = new Map<string, NamespaceView>();
  readonly users = new Map<string, UserView>();
  readonly contents = new Map<string, string>();
  readonly logs = new Map<string, MemoryLog>();
  readonly requests: SeenRequest[] = [];
  placement = 'greedy';
  /** Called for each submitted task: a test may let it run and end. */
  onSubmit: (task: TaskView) => void = () => {};
  /** A followed log is cut after each of these numbers of lines, once each. */
  readonly logCuts: number[] = [];
  readonly #mishaps = new Map<OperationName, Mishap[]>();
  readonly #idempotent = new Map<string, { body: string; answer: unknown }>();
  readonly #server: http.Server;
  #nextId = 0;

  private constructor() {
    this.#server = http.createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else sendError(response, error);
      });
    });
  }

  static async start(): Promise<MemoryMaster> {
    const master = new MemoryMaster();
    await master.listen(0);
    return master;
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => resolve());
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  // Steering

  failNext(operation: OperationName, ...mishaps: readonly Mishap[]): void {
    this.#mishaps.set(operation, [...(this.#mishaps.get(operation) ?? []), ...mishaps]);
  }

  addTask(detail: { readonly task: TaskView } & Partial<TaskDetail>): void {
    this.tasks.set(detail.task.id, { spec: {}, attempts: [], ...detail });
  }

  changeTask(id: string, fields: Partial<TaskView>): TaskView {
    const detail = this.tasks.get(id);
    if (detail === undefined) throw new Error(`no task ${id}`);
    const task = { ...detail.task, ...fields, version: detail.task.version + 1 };
    this.tasks.set(id, { ...detail, task });
    return task;
  }

  log(id: string): MemoryLog {
    let log = this.logs.get(id);
    if (log === undefined) {
      log = { lines: [], ended: false, waiting: new Set() };
      this.logs.set(id, log);
    }
    return log;
  }

  append(id: string, ...lines: readonly LogLine[]): void {
    const log = this.log(id);
    log.lines.push(...lines);
    if (lines.some(({ kind }) => kind === 'end')) log.ended = true;
    for (const wake of log.waiting) wake();
  }

  /** Ends a task and its log. */
  end(id: string, fields: Partial<TaskView>): void {
    const { state, reason, exitCode, message } = this.changeTask(id, {
      startedAt: new Date().toISOString(),
      endedAt: new Date().toISOString(),
      ...fields,
    });
    this.append(id, { kind: 'end', state, reason, exitCode, message });
  }

  newId(): string {
    this.#nextId++;
    return `task${String(this.#nextId).padStart(12, '0')}`;
  }

  /** By id or a prefix that fits only one. */
  find(id: string): TaskDetail {
    const exact = this.tasks.get(id);
    if (exact !== undefined) return exact;
    const fitting = [...this.tasks.values()].filter(({ task }) => task.id.startsWith(id));
    if (fitting.length > 1) throw new Refusal('ambiguous_id', `${fitting.length} tasks begin with ${id}`);
    const [only] = fitting;
    if (only === undefined)
      throw new Refusal('task_unknown', `No task has the id ${id}; list tasks to see what there is`);
    return only;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const seen = await read(request);
    if (seen === null) throw new Refusal('not_found', `There is no route ${request.url}`);
    this.requests.push(seen);
    const mishap = this.#mishaps.get(seen.operation)?.shift();
    if (mishap === 'break-before') {
      request.socket.destroy();
      return;
    }
    if (typeof mishap === 'object') {
      if (mishap.retryAfter !== undefined) response.setHeader('retry-after', String(mishap.retryAfter));
      throw new Refusal(mishap.code, 'made to fail');
    }
    if (seen.headers.authorization !== `Bearer ${this.token}`) {
      throw new Refusal('unauthenticated', 'The token is unknown, expired or revoked');
    }
    const answer = await this.#answer(seen);
    if (mishap === 'break-after') request.socket.destroy();
    else await send(response, ROUTES[seen.operation], answer);
  }

  async #answer(seen: SeenRequest): Promise<unknown> {
    const key = seen.headers['idempotency-key'];
    const handler = handlers[seen.operation];
    if (handler === undefined) throw new Refusal('internal', `${seen.operation} is not in this master`);
    if (typeof key !== 'string') return handler(this, seen);
    const body = JSON.stringify(seen.body ?? null);
    const earlier = this.#idempotent.get(key);
    if (earlier === undefined) {
      const answer = await handler(this, seen);
      this.#idempotent.set(key, { body, answer });
      return answer;
    }
    if (earlier.body === body) return earlier.answer;
    throw new Refusal('idempotency_conflict', 'The Idempotency-Key was used with another body');
  }
}

const PATTERNS = (Object.entries(ROUTES) as [OperationName, Route][]).map(([operation, { method, path }]) => ({
  operation,
  method,
  pattern: new RegExp(
    `^${path.replace(/\{(\w+)\}/g, (_, name) => `(?<${name}>${name === 'path' ? '.+' : '[^/]+'})`)}$`,
  ),
}));

async function read(request: http.IncomingMessage): Promise<SeenRequest | null> {
  const url = new URL(request.url ?? '', 'http://localhost');
  for (const { operation, method, pattern } of PATTERNS) {
    const match = request.method === method ? pattern.exec(url.pathname) : null;
    if (match === null) continue;
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    return {
      operation,
      headers: request.headers,
      query: Object.fromEntries(url.searchParams),
      body: text === '' ? undefined : JSON.parse(text),
      params: Object.fromEntries(
        Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]),
      ),
    };
  }
  return null;
}

async function send(response: http.ServerResponse, route: Route, answer: unknown): Promise<void> {
  if (isStream(answer)) {
    response.writeHead(route.status, {
      'content-type': answer.type,
      ...(answer.length === undefined ? {} : { 'content-length': answer.length }),
    });
    response.flushHeaders();
    for await (const chunk of answer.chunks) response.write(chunk);
    response.end();
    return;
  }
  response.writeHead(route.status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(answer === undefined ? undefined : JSON.stringify(answer));
}

function isStream(answer: unknown): answer is StreamAnswer {
  return typeof answer === 'object' && answer !== null && 'chunks' in answer;
}

function sendError(response: http.ServerResponse, error: unknown): void {
  const refusal = error instanceof Refusal ? error : new Refusal('internal', String(error));
  const { code, message, details } = refusal;
  response.writeHead(ERRORS[code].status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify({ error: { code, message, requestId: 'r-1', details } }));
}
