/** Speaks to a REST server without a socket, as the users of a bench. */
import {
  type LogLine,
  OPERATIONS,
  type OperationName,
  type OperationSchema,
  ROUTES,
  type Route,
} from '@cloudai/api/rest';
import type { FastifyInstance } from 'fastify';
import { Compile, type Validator } from 'typebox/compile';
import type { RestOptions } from '../rest/options.ts';
import { buildServer, type RestServer } from '../rest/server.ts';
import { ADMIN, type Bench } from './bench.ts';

export interface Sent {
  /** Whose token goes along; null: none. The admin's without it. */
  readonly user?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly text?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // A test says by its expectations what it wants to find.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly body: any;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';

export class RestClient {
  readonly #bench: Bench;
  readonly server: RestServer;
  /** What the server wrote to its log. */
  readonly failures: object[] = [];

  constructor(bench: Bench, options: Partial<RestOptions> = {}) {
    this.#bench = bench;
    const log = { error: (fields: object) => this.failures.push(fields) };
    this.server = buildServer(bench.context, { host: '127.0.0.1', port: 0, log, failedLogins: null, ...options });
  }

  get app(): FastifyInstance {
    return this.server.app;
  }

  async send(method: Method, url: string, sent: Sent = {}): Promise<Answer> {
    const { user = ADMIN, body, text } = sent;
    const payload = text ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await this.app.inject({
      method,
      url,
      headers: {
        host: 'localhost',
        ...(user === null ? {} : { authorization: `Bearer ${this.#bench.tokens.get(user) ?? user}` }),
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...sent.headers,
      },
      ...(payload === undefined ? {} : { payload }),
    });
    const type = String(response.headers['content-type'] ?? '');
    const isJson = type.startsWith('application/json') && response.payload !== '';
    if (isJson && response.statusCode < 300) checkAnswer(method, url, JSON.parse(response.payload));
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.payload,
      body: isJson ? JSON.parse(response.payload) : undefined,
    };
  }

  get(path: string, sent?: Sent): Promise<Answer> {
    return this.send('GET', `/api/v1${path}`, sent);
  }

  post(path: string, body?: unknown, sent?: Sent): Promise<Answer> {
    return this.send('POST', `/api/v1${path}`, { body, ...sent });
  }

  async log(path: string, sent?: Sent): Promise<LogLine[]> {
    const { text } = await this.get(path, sent);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogLine);
  }
}

const ANSWERS = (Object.entries(ROUTES) as [OperationName, Route][]).map(([name, { method, path }]) => {
  const { response, media }: OperationSchema = OPERATIONS[name];
  return {
    name,
    method,
    pattern: new RegExp(`^${path.replace('/{path}', '/.+').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    validator: response === null || media !== undefined ? null : (Compile(response) as Validator),
  };
});

/** Every answer that a test sees is what the schema of its operation says. */
function checkAnswer(method: string, url: string, body: unknown): void {
  const [path = ''] = url.split('?', 1);
  const answer = ANSWERS.find((known) => known.method === method && known.pattern.test(path));
  if (answer?.validator == null || answer.validator.Check(body)) return;
  const [first] = answer.validator.Errors(body);
  throw new Error(`the answer of ${answer.name} does not fit its schema: ${first?.instancePath} ${first?.message}`);
}
