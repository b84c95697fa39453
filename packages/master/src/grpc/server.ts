/**
 * The port for programs: the operations of REST as gRPC, gRPC-Web and Connect, the rounds of external schedulers, health
 * and reflection. A method is a row of `methods.ts`; nothing is decided here.
 */
import { EventEmitter } from 'node:events';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { DescMethodUnary, DescService } from '@bufbuild/protobuf';
import { agentWire, healthWire, reflectionWire, userWire } from '@cloudai/api';
import type { OperationName } from '@cloudai/api/rest';
import { ConnectError, type ConnectRouter, createConnectRouter, type HandlerContext } from '@connectrpc/connect';
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { fetchClusterState, submitAssignments } from '../agent/agent.ts';
import { authorize } from '../authorize.ts';
import type { MasterContext } from '../context.ts';
import { createOperations, type LogReading, type OperationsLayer, Rejected } from '../operations/index.ts';
import { FAILED_LOGINS_A_MINUTE, FailedLogins } from '../rest/failed-logins.ts';
import { hostCheck, isLoopback } from '../rest/hosts.ts';
import type { RestLog } from '../rest/options.ts';
import { REQUESTS_A_SECOND, RequestRate } from '../rest/request-rate.ts';
import { type OpenStream, StreamBook } from '../rest/stream-book.ts';
import { artifactParts } from './artifacts.ts';
import { admitCaller, type Caller, callerOf, connectionValues, renewCaller, requestIdOf } from './caller.ts';
import { connectError } from './errors.ts';
import { EventBell, readEvents, watchEvents } from './events.ts';
import { healthService } from './health.ts';
import { type Handler, Listener, type Tls } from './listener.ts';
import { logChunks, logInput, notFound } from './logs.ts';
import { plainMethods, readRequest, writeResponse } from './methods.ts';
import { reflectionService } from './reflection.ts';

export interface GrpcOptions {
  /** Address to listen on. Anything but a loopback address needs `tls`. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly tls?: Tls;
  /** Names beside `localhost` and the address itself under which clients reach this server. */
  readonly hosts?: readonly string[];
  /** As of REST. */
  readonly requestsPerSecond?: number | null;
  /** As of REST, which counts its own. */
  readonly failedLogins?: number | null;
  readonly log?: RestLog;
}

export interface Grpc {
  /** Where it listens, with the port that was taken. */
  readonly url: string;
  setCredentials(tls: Tls): void;
  /** Ends streams with a hint to come back and lets running calls finish. */
  close(): Promise<void>;
}

/** As the REST API takes them. */
const REQUEST_BYTES = 2 ** 20;
const JOB_REQUEST_BYTES = 16 * 2 ** 20;
/** Clients that take less are answered less by asking for smaller pages. */
const RESPONSE_BYTES = 64 * 2 ** 20;
/** What a client may give a call, streams too; longer ones leave the deadline out. */
const MAX_TIMEOUT_MS = 30 * 86_400_000;

const REST_OF_REQUEST_MS = 1_000;

export async function startGrpc(context: MasterContext, options: GrpcOptions): Promise<Grpc> {
  const { host, port, tls, hosts = [] } = options;
  if (tls === undefined && !isLoopback(host))
    throw new Error(`refusing to listen on ${host} without TLS: tokens would cross the network in the clear`);
  const services = new GrpcServices(context, options);
  const listener = new Listener(nodeHandler(services, hostCheck(host, hosts), options.log), tls ?? null);
  const taken = await listener.listen(host, port);
  const shown = host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${shown}:${taken}`,
    setCredentials: (credentials) => listener.setCredentials(credentials),
    async close() {
      services.drain();
      await listener.close();
    },
  };
}

class GrpcServices {
  readonly #context: MasterContext;
  readonly #log: RestLog | undefined;
  readonly #operations: OperationsLayer;
  readonly #streams = new StreamBook();
  readonly #bell: EventBell;
  readonly #rate: RequestRate;
  readonly #failedLogins: FailedLogins;
  #draining = false;

  constructor(
    context: MasterContext,
    { log, requestsPerSecond = REQUESTS_A_SECOND, failedLogins = FAILED_LOGINS_A_MINUTE }: GrpcOptions,
  ) {
    this.#context = context;
    this.#log = log;
    this.#operations = createOperations(context);
    this.#bell = new EventBell(context.loop);
    this.#rate = new RequestRate(requestsPerSecond, () => context.now());
    this.#failedLogins = new FailedLogins(failedLogins ?? Number.POSITIVE_INFINITY, () => context.now());
  }

  drain(): void {
    this.#draining = true;
    this.#streams.endAll('the master is stopping; ask again to go on');
  }

  routes(router: ConnectRouter): void {
    const gate = { requestGate: (call: HandlerContext) => this.#admit(call) };
    for (const [name, method] of plainMethods())
      router.rpc(method, (request, call) => this.#plain(name, method, request, call), {
        ...gate,
        ...(name === 'submitJob' ? { readMaxBytes: JOB_REQUEST_BYTES } : {}),
      });
    const { streamTaskLogs, getArtifact, watchEvents: watch } = userWire.CloudAI.method;
    router.rpc(streamTaskLogs, (request, call) => this.#guarded(call, this.#logs(request, call)), gate);
    router.rpc(getArtifact, (request, call) => this.#guarded(call, this.#artifact(request, call)), gate);
    router.rpc(watch, (request, call) => this.#guarded(call, this.#watch(request, call)), gate);

    const { fetchClusterState: fetch, submitAssignments: assign } = agentWire.MasterAgent.method;
    router.rpc(
      fetch,
      (request, call) => this.#answer(call, ({ subject }) => fetchClusterState(this.#context, subject, request)),
      gate,
    );
    router.rpc(
      assign,
      (request, call) => this.#answer(call, ({ subject }) => submitAssignments(this.#context, subject, request)),
      gate,
    );

    const isReady = () => !this.#draining && !this.#context.loop.storeFull();
    router.service(healthWire.Health, healthService(isReady));
    const all: DescService[] = [
      userWire.CloudAI,
      agentWire.MasterAgent,
      healthWire.Health,
      reflectionWire.ServerReflection,
    ];
    router.service(reflectionWire.ServerReflection, reflectionService(all), gate);
  }

  #admit(call: HandlerContext): void {
    try {
      admitCaller(this.#context, call, this.#failedLogins);
      this.#rate.take(callerOf(call).subject);
      if (this.#draining) throw new Rejected('unavailable', 'The master is stopping; try again');
    } catch (error) {
      throw connectError(error, requestIdOf(this.#context, call), this.#log);
    }
  }

  async #plain(name: OperationName, method: DescMethodUnary, request: object, call: HandlerContext) {
    return await this.#answer(call, async ({ subject, requestId }) => {
      const { input, idempotencyKey } = readRequest(name, method, request);
      const output = await this.#operations.perform(name, { subject, requestId, idempotencyKey }, input);
      return writeResponse(name, method, output);
    });
  }

  /** Ends with the deadline or the caller's leaving; what was begun by then is done all the same. */
  async #answer<T>(call: HandlerContext, perform: (caller: Caller) => Promise<T>): Promise<T> {
    const caller = callerOf(call);
    try {
      return await Promise.race([perform(caller), aborted(call.signal)]);
    } catch (error) {
      throw connectError(error, caller.requestId, this.#log);
    }
  }

  async *#guarded<T>(call: HandlerContext, messages: AsyncGenerator<T>): AsyncGenerator<T> {
    try {
      yield* messages;
      if (call.signal.aborted) throw ConnectError.from(call.signal.reason);
    } catch (error) {
      throw connectError(error, callerOf(call).requestId, this.#log);
    }
  }

  async *#logs(request: userWire.StreamTaskLogsRequest, call: HandlerContext) {
    const caller = callerOf(call);
    const { now } = this.#context;
    let reading: LogReading;
    try {
      reading = await this.#readLogs(request, caller);
    } catch (error) {
      if (!(error instanceof Rejected && error.code === 'task_unknown')) throw error;
      yield notFound(request.taskId, now());
      return;
    }
    const { taskId, namespace } = reading;
    const stateOf = () => this.#context.loop.engine.task(taskId)?.state ?? 'not_found';
    yield* this.#open(call, 'readLogs', namespace, (stream) => logChunks(reading, stream, now, stateOf));
  }

  async #readLogs(request: userWire.StreamTaskLogsRequest, caller: Caller) {
    const { subject, requestId } = caller;
    return await this.#operations.perform(
      'readLogs',
      { subject, requestId, idempotencyKey: null },
      logInput(caller, request),
    );
  }

  async *#artifact(request: userWire.GetArtifactRequest, call: HandlerContext) {
    const { subject, requestId } = callerOf(call);
    const { taskId, path, attempt } = request;
    const file = await this.#operations.perform(
      'getArtifact',
      { subject, requestId, idempotencyKey: null },
      { params: { task: taskId, path }, query: attempt === undefined ? {} : { attempt }, body: undefined },
    );
    yield* this.#open(call, 'getArtifact', null, ({ signal }) => artifactParts(file, request, signal));
  }

  async *#watch(request: userWire.WatchEventsRequest, call: HandlerContext) {
    const source = {
      read: async (query: Record<string, unknown>) => {
        const { subject, requestId } = renewCaller(this.#context, callerOf(call));
        return await readEvents(this.#operations, { subject, requestId, idempotencyKey: null }, query);
      },
      sequence: () => this.#operations.sequence(),
      bell: this.#bell,
    };
    yield* this.#open(call, 'listEvents', null, ({ signal }) => watchEvents(source, request, signal));
  }

  /** A stream that ends when the caller leaves, loses its rights or the master stops; the last is said. */
  async *#open<T>(
    call: HandlerContext,
    operation: OperationName,
    namespace: string | null,
    messages: (stream: OpenStream) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    const caller = callerOf(call);
    const mayGoOn = () => {
      try {
        return authorize(renewCaller(this.#context, caller).subject, operation, namespace) === 'allowed';
      } catch {
        // Its token is gone.
        return false;
      }
    };
    const leaving = new EventEmitter();
    const leave = () => leaving.emit('close');
    call.signal.addEventListener('abort', leave, { once: true });
    const stream = this.#streams.open(caller.subject.tokenId, leaving, mayGoOn);
    try {
      yield* messages(stream);
      const interruption = stream.interruption();
      if (interruption !== null && operation !== 'readLogs') throw new Rejected('unavailable', interruption);
    } finally {
      call.signal.removeEventListener('abort', leave);
      stream.close();
    }
  }
}

function nodeHandler(
  services: GrpcServices,
  hostAllowed: (header: string | undefined) => boolean,
  log: RestLog | undefined,
): Handler {
  const router = createConnectRouter({
    readMaxBytes: REQUEST_BYTES,
    writeMaxBytes: RESPONSE_BYTES,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    acceptCompression: [compressionGzip],
    jsonOptions: { ignoreUnknownFields: false },
  });
  services.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const refuse = (status: number, text: string) => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(`${text}\n`);
    };
    const authority = 'authority' in request && request.authority !== '' ? request.authority : request.headers.host;
    if (!URL.canParse(`http://${authority}`) || !hostAllowed(authority))
      return refuse(421, 'The Host header names no address of this master');
    const [path = ''] = (request.url ?? '').split('?', 1);
    const handler = handlers.get(path);
    if (handler === undefined) return refuse(404, 'There is no such method; see docs/guides/grpc.md');
    if ('stream' in request) letGo(request.stream);
    handler(
      universalRequestFromNodeRequest(request, response, undefined, connectionValues(request.socket.remoteAddress)),
    )
      .then((answer) => universalResponseToNodeResponse(answer, response))
      .catch((error: unknown) => {
        // Most of these are clients that left in the middle of an answer; the others have been told by the handler.
        response.destroy();
        if (!(error instanceof ConnectError)) log?.error({ err: error, path }, 'a call broke off');
      });
  };
}

/**
 * An answer may go out before all of the request was read: it was refused. The rest is thrown away, so that it holds up
 * neither the client, which sends it before it looks at the answer, nor the connection; but not for ever.
 */
function letGo(stream: ServerHttp2Stream): void {
  stream.once('finish', () => {
    if (stream.readableEnded || stream.destroyed) return;
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), REST_OF_REQUEST_MS);
    stream.once('close', () => clearTimeout(timer));
    stream.removeAllListeners('data');
    stream.resume();
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = () => reject(ConnectError.from(signal.reason));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
