/** The HTTP server: takes each route of `ROUTES` to the operation of the same name, and nothing else. */
import { STATUS_CODES } from 'node:http';
import path from 'node:path';
import {
  OLDER_ROUTES,
  OPERATIONS,
  type OperationName,
  type OperationSchema,
  openApi,
  ROUTES,
  type Route,
} from '@cloudai/api/rest';
import { WATCH_PATH } from '@cloudai/api/watch';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { authorize } from '../authorize.ts';
import type { MasterContext } from '../context.ts';
import {
  type ArchiveDownload,
  type ArtifactDownload,
  createOperations,
  type LogReading,
  type OperationsLayer,
  Rejected,
  type SessionOpened,
} from '../operations/index.ts';
import { printable } from '../operations/problem.ts';
import { subjectOf } from '../subject.ts';
import { addUpgrade, isUpgrade, WatchHub, withProtocolToken } from '../watch/index.ts';
import { openArchive } from './archive-reply.ts';
import { openArtifact } from './artifact-reply.ts';
import { authenticate, type Caller, checkOrigin } from './authenticate.ts';
import { endedCookies, sessionCookies } from './cookies.ts';
import { CrossOrigin } from './cross-origin.ts';
import { addDocs, DOCS_PATHS } from './docs-page.ts';
import { askedVersion, entityTag, isKnown } from './entity-tag.ts';
import { errorReply } from './error-reply.ts';
import { FAILED_LOGINS_A_MINUTE, FailedLogins } from './failed-logins.ts';
import { addHealth } from './health-route.ts';
import { hostCheck } from './hosts.ts';
import { Interrupted, sendLog } from './log-reply.ts';
import { addMetrics, checkMetricsReader, METRICS_PATH } from './metrics-route.ts';
import { addOlderRoutes } from './older-routes.ts';
import type { RestOptions } from './options.ts';
import { addPages } from './pages.ts';
import { coerceQuery } from './query.ts';
import { costOf, REQUESTS_A_SECOND, RequestRate } from './request-rate.ts';
import { StreamBook } from './stream-book.ts';

const BODY_LIMIT_BYTES = 1024 * 1024;
const JOB_BODY_LIMIT_BYTES = 16 * 1024 * 1024;
const HEADER_LIMIT_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
/** For a request to arrive whole; answers may take as long as they want. */
const REQUEST_TIMEOUT_MS = 60_000;
const HANDSHAKE_TIMEOUT_MS = 5_000;
/** Users bring clients of their own, so not only 1.3 as between master and workers. */
export const MIN_TLS_VERSION = 'TLSv1.2';
/** Far above what users need, far below what memory bears. */
const MAX_CONNECTIONS = 20_000;
const KEEP_ALIVE_MS = 75_000;
/** Requests that still run so long after the server was told to close are cut off. */
const CLOSE_GRACE_MS = 5_000;
const IDLE_CHECK_MS = 20;

/** On every answer. The API is no page: a browser shall neither guess a type nor run or frame anything of it. */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
} as const;

/** Answered without a token: they say no more than that somebody listens. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/health', '/ready', ...DOCS_PATHS]);

/** Where the files of the dashboard are when they have been built. */
const WEB_ROOT = path.resolve(import.meta.dirname, '../../../web/dist');

const DOCUMENT_PATH = '/api/v1/openapi.json';

/** Event sequence that the answer is at least as new as: a watch that begins after it misses nothing. */
const SEQUENCE_HEADER = 'x-cloudai-sequence';

declare module 'fastify' {
  interface FastifyRequest {
    /** null on routes that take no token. */
    caller: Caller | null;
  }
}

export interface RestServer {
  readonly app: FastifyInstance;
  readonly streams: StreamBook;
  readonly watches: { readonly size: number };
  /** Stops listening, answers further requests `unavailable`, ends streams with a hint to come back, lets the rest finish. */
  close(): Promise<void>;
}

export function buildServer(context: MasterContext, options: RestOptions): RestServer {
  const app = createApp(context, options);
  const operations = createOperations(context);
  const streams = new StreamBook();
  const { failedLogins: mostFailed = FAILED_LOGINS_A_MINUTE } = options;
  const failedLogins = new FailedLogins(mostFailed ?? Number.POSITIVE_INFINITY, () => context.now());
  const { requestsPerSecond = REQUESTS_A_SECOND } = options;
  const requestRate = new RequestRate(requestsPerSecond, () => context.now());
  const crossOrigin = new CrossOrigin(options.allowedOrigins ?? []);
  const pages = addPages(app, options.webRoot ?? WEB_ROOT);
  const hostAllowed = hostCheck(options.host, options.hosts ?? []);
  let draining = false;

  const checkHost = (host: string | undefined) => {
    if (!hostAllowed(host))
      throw new Rejected(
        'misdirected_request',
        `The Host header ${JSON.stringify(host ?? '')} names no address of this master`,
      );
  };

  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...HEADERS, 'x-request-id': request.id });
    checkHost(request.headers.host);
    if (crossOrigin.allow(request, reply)) return reply.code(204).send();
    const address = addressOf(request);
    if (OPEN_PATHS.has(address)) return;
    if (address === METRICS_PATH && options.metrics !== undefined) {
      checkMetricsReader(request, options, () =>
        failedLogins.admit(request.ip, request.headers, () => authenticate(context, request)),
      );
      return;
    }
    if (pages.isPage(request)) return;
    if (isOpen(request.method, address)) checkOrigin(request.headers);
    else {
      request.caller = failedLogins.admit(request.ip, request.headers, () => authenticate(context, request));
      requestRate.take(request.caller.subject);
    }
    if (draining) throw new Rejected('unavailable', 'The master is stopping; try again');
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, options));
  app.setNotFoundHandler(async (request, reply) => {
    if (pages.isPage(request) && (await pages.send(request, reply))) return reply;
    return sendError(notFound(request), request, reply, options);
  });

  const clients = () => streams.size + watch.size;
  addHealth(app, { context, isStopping: () => draining, clients });
  app.get(WATCH_PATH, () => {
    throw new Rejected('invalid_argument', `${WATCH_PATH} is a WebSocket: it takes an upgrade`);
  });
  addMetrics(app, options);
  for (const name of Object.keys(ROUTES) as OperationName[])
    addRoute(app, name, { context, operations, streams, failedLogins, requestRate, options });
  addOlderRoutes(app, { context, operations, failedLogins, pages, isSecure: options.tls !== undefined });
  const document = openApi(context.version);
  app.get(DOCUMENT_PATH, () => document);
  addDocs(app, document);
  const watch = new WatchHub(context, operations, options.log, options.watch);
  addUpgrade(app, {
    hub: watch,
    log: options.log,
    headers: HEADERS,
    requestId: (request) => givenId(request.headers['x-request-id']) ?? context.newId(),
    admit(request) {
      checkHost(request.headers.host);
      const headers = withProtocolToken(request.headers);
      const caller = failedLogins.admit(request.socket.remoteAddress, headers, () =>
        authenticate(context, { method: 'GET', headers }),
      );
      requestRate.take(caller.subject);
      if (draining) throw new Rejected('unavailable', 'The master is stopping; try again');
      return caller;
    },
  });

  return {
    app,
    streams,
    watches: watch,
    async close() {
      draining = true;
      streams.endAll('the master is stopping; ask again to go on');
      const watched = watch.close();
      // A connection is kept for the client's next request once its last one has been answered.
      const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS);
      const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
      try {
        await app.close();
        await watched;
      } finally {
        clearInterval(idle);
        clearTimeout(cut);
      }
    },
  };
}

function createApp(context: MasterContext, { tls, log }: RestOptions): FastifyInstance {
  const http = {
    maxHeaderSize: HEADER_LIMIT_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: HEADERS_TIMEOUT_MS / 2,
    // Finds readers that went away without a word.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    noDelay: true,
    shouldUpgradeCallback: isUpgrade,
  };
  const app = fastify({
    ...(tls === undefined
      ? { http }
      : { https: { ...http, ...tls, minVersion: MIN_TLS_VERSION, handshakeTimeout: HANDSHAKE_TIMEOUT_MS } }),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: false,
    requestIdHeader: false,
    genReqId: (request) => givenId(request.headers['x-request-id']) ?? context.newId(),
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: (error, request, reply) => {
      void sendError(error, request, reply, log === undefined ? {} : { log });
    },
    clientErrorHandler(error, socket) {
      const { code } = error as { code?: string };
      const [status, name, message] =
        code === 'HPE_HEADER_OVERFLOW'
          ? ([431, 'header_too_large', 'The headers are too large'] as const)
          : code === 'ERR_HTTP_REQUEST_TIMEOUT'
            ? ([408, 'request_timeout', 'The request did not arrive in time'] as const)
            : ([400, 'invalid_argument', 'This is no HTTP request'] as const);
      if (!socket.writable) return;
      const body = JSON.stringify({ error: { code: name, message, requestId: context.newId() } });
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
    },
  }) as unknown as FastifyInstance;
  app.server.maxConnections = MAX_CONNECTIONS;
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // Clients name the type of a body that they then leave out.
    if (body.length === 0) done(null, undefined);
    else void parse(request, body as string, done);
  });
  return app;
}

/** They make something anew each time, unless the caller says with a key that it is a repeat. */
const IDEMPOTENT: ReadonlySet<OperationName> = new Set(['submitTask', 'submitJob', 'retryTask', 'retryTasks'] as const);

interface RouteParts {
  readonly context: MasterContext;
  readonly operations: OperationsLayer;
  readonly streams: StreamBook;
  readonly options: RestOptions;
  readonly failedLogins: FailedLogins;
  readonly requestRate: RequestRate;
}

function addRoute(
  app: FastifyInstance,
  name: OperationName,
  { context, operations, streams, failedLogins, requestRate, options }: RouteParts,
): void {
  const route: Route = ROUTES[name];
  const schema: OperationSchema = OPERATIONS[name];
  const url = route.path.replace('/{path}', '/*').replaceAll(/\{(\w+)\}/g, ':$1');
  const isSecure = options.tls !== undefined;
  const takesKey = IDEMPOTENT.has(name);

  app.route({
    method: route.method,
    url,
    config: { operation: name, isStream: name === 'readLogs' || name === 'getArtifact' },
    ...(name === 'submitJob' ? { bodyLimit: JOB_BODY_LIMIT_BYTES } : {}),
    async handler(request, reply) {
      const params = paramsOf(request);
      if (Object.values(params).includes('')) throw notFound(request);
      if (name === 'createSession') {
        const opening = operations.logIn(request.id, request.body).catch((error: unknown) => {
          throw failedLogins.judge(request.ip, error);
        });
        return replySession(reply, await opening);
      }
      const { subject } = request.caller!;
      const key = takesKey ? request.headers['idempotency-key'] : undefined;
      const call = { subject, requestId: request.id, idempotencyKey: typeof key === 'string' ? key : null };
      const query = coerceQuery(schema.query, request.query);
      requestRate.take(subject, costOf(name, query) - 1);
      const input = { params, query, body: name === 'updateTask' ? conditional(request) : request.body };
      if (route.method === 'GET') reply.header(SEQUENCE_HEADER, operations.sequence());
      const output = await operations.perform(name, call, input);
      if (name === 'readLogs') return replyLog(request, reply, output as LogReading);
      if (name === 'getArtifact') return replyArtifact(request, reply, output as ArtifactDownload);
      if (name === 'getArchive') {
        const { headers, stream } = openArchive(output as ArchiveDownload);
        return reply.headers(headers).send(stream);
      }
      if (name === 'endSession') reply.header('set-cookie', endedCookies(isSecure));
      reply.code(route.status);
      if (schema.response === null) return reply.send();
      const text = JSON.stringify(output);
      const tag = route.method === 'GET' ? entityTag(text, versionOf(output)) : null;
      if (tag !== null) {
        reply.header('etag', tag);
        if (isKnown(request.headers['if-none-match'], tag)) return reply.code(304).send();
      }
      return reply.type('application/json; charset=utf-8').send(text);
    },
  });

  function replySession(reply: FastifyReply, { session, token, expiresAt }: SessionOpened): FastifyReply {
    return reply
      .code(route.status)
      .header('set-cookie', sessionCookies(token, expiresAt, context.now(), isSecure))
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(session));
  }

  async function replyLog(request: FastifyRequest, reply: FastifyReply, reading: LogReading): Promise<FastifyReply> {
    const { subject, tokenHash } = request.caller!;
    const mayGoOn = () => {
      const now = subjectOf(context, tokenHash);
      return now !== null && authorize(now, name, reading.namespace) === 'allowed';
    };
    const stream = streams.open(subject.tokenId, reply.raw, mayGoOn);
    reply.hijack();
    try {
      await sendLog(reply.raw, { ...HEADERS, 'x-request-id': request.id }, reading, stream);
    } catch (error) {
      // The head has gone out: all that can be said is that the body is not whole.
      if (!isDisconnect(error) && !(error instanceof Interrupted))
        options.log?.error({ err: error, requestId: request.id }, 'a log reply broke off');
      reply.raw.destroy();
    } finally {
      stream.close();
    }
    return reply;
  }

  async function replyArtifact(
    request: FastifyRequest,
    reply: FastifyReply,
    file: ArtifactDownload,
  ): Promise<FastifyReply> {
    const { range, 'if-range': ifRange } = request.headers;
    const { status, headers, stream } = await openArtifact(
      file,
      range,
      typeof ifRange === 'string' ? ifRange : undefined,
    );
    return reply.code(status).headers(headers).send(stream);
  }
}

/** The version of the task that an answer is about. */
function versionOf(output: unknown): number | null {
  const { task } = output as { task?: { version?: unknown } };
  return typeof task?.version === 'number' ? task.version : null;
}

/** The body, with the version that `If-Match` asks for. */
function conditional({ body, headers }: FastifyRequest): unknown {
  const version = askedVersion(headers['if-match']);
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  return version === null || !isObject ? body : { ...body, version };
}

function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { log }: Pick<RestOptions, 'log'>,
): FastifyReply {
  const { status, headers, body } = errorReply(error, request.id, log);
  return reply
    .code(status)
    .headers({ ...HEADERS, 'x-request-id': request.id, ...headers })
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(body));
}

const ALL_ROUTES: readonly Route[] = [...Object.values(ROUTES), ...Object.values(OLDER_ROUTES)];

const PATTERNS = ALL_ROUTES.map(({ method, path }) => ({
  method,
  pattern: new RegExp(`^${path.replace('/{path}', '/.+').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
}));

const OPEN_ROUTES: ReadonlySet<string> = new Set(
  ALL_ROUTES.filter((route) => route.open === true).map(({ method, path }) => `${method} ${path}`),
);

function isOpen(method: string, address: string): boolean {
  return OPEN_ROUTES.has(`${method} ${address}`);
}

/** No route at all, or one that does not take this method. */
function notFound(request: FastifyRequest): Rejected {
  const address = addressOf(request);
  const allowed = PATTERNS.filter(({ pattern }) => pattern.test(address)).map(({ method }) => method);
  if (OPEN_PATHS.has(address) || address === DOCUMENT_PATH) allowed.push('GET');
  if (allowed.length === 0)
    return new Rejected('not_found', `There is no route ${printable(address)}; ${DOCUMENT_PATH} lists them`);
  allowed.sort();
  return new Rejected(
    'method_not_allowed',
    `${printable(address)} takes ${allowed.join(', ')}, not ${request.method}`,
    {
      allowed,
    },
  );
}

/** The path that was asked for, without the query. */
function addressOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0]!;
}

function paramsOf(request: FastifyRequest): Record<string, unknown> {
  const { '*': path, ...params } = request.params as Record<string, unknown>;
  return path === undefined ? params : { ...params, path };
}

function givenId(header: string | string[] | undefined): string | null {
  return typeof header === 'string' && /^[\w.-]{1,64}$/.test(header) ? header : null;
}

function isDisconnect(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE';
}
