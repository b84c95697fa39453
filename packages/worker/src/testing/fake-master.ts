/**
 * A master for tests of the worker: speaks the real protocol over TLS, keeps what it is told in memory, and does as the
 * test says. It is honest by default: acknowledges everything, and forgets an attempt when its log is complete.
 */
import { createHash } from 'node:crypto';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { workerWire as wire } from '@cloudai/api';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { type AttemptKey, keyText } from '../core/attempt.ts';
import type { StreamName } from '../core/log-ledger.ts';
import { streamFromWire } from '../wire.ts';
import { makeTestAuthority, type TestAuthority } from './test-authority.ts';

type Down = NonNullable<MessageInitShape<typeof wire.SessionResponseSchema>['message']>;

export interface FakeMasterOptions {
  readonly heartbeatMs?: number;
  readonly leaseMs?: number;
  readonly certificateMs?: number;
  readonly clusterId?: string;
}

class LogGap extends Error {}

/** What arrived of an attempt's log; a gap throws. */
export class ReceivedLog {
  readonly ended = new Set<wire.LogStream>();
  dropped = 0;
  readonly #parts: Record<StreamName, Buffer[]> = { stdout: [], stderr: [] };
  readonly bytes: Record<StreamName, number> = { stdout: 0, stderr: 0 };

  get stdout(): Buffer {
    return this.#joined('stdout');
  }

  get stderr(): Buffer {
    return this.#joined('stderr');
  }

  take(chunk: wire.LogChunk): StreamName {
    const name = streamFromWire(chunk.stream);
    const have = this.bytes[name];
    const offset = Number(chunk.offset);
    if (offset > have) throw new LogGap(`a gap in ${name}: have ${have}, got ${offset}`);
    const fresh = Buffer.from(chunk.data).subarray(Math.max(0, have - offset));
    if (fresh.length > 0) this.#parts[name].push(fresh);
    this.bytes[name] += fresh.length;
    if (chunk.last && !this.ended.has(chunk.stream)) {
      this.ended.add(chunk.stream);
      this.dropped += Number(chunk.dropped);
    }
    return name;
  }

  #joined(name: StreamName): Buffer {
    const joined = Buffer.concat(this.#parts[name]);
    this.#parts[name] = [joined];
    return joined;
  }
}

export interface ReceivedArtifact {
  readonly path: string;
  readonly data: Buffer;
}

/** What a test may turn off to see how the worker copes. */
export interface Behaviour {
  acknowledgeHeartbeats: boolean;
  acknowledgeReports: boolean;
  acknowledgeLogs: boolean;
  welcome: boolean;
  epoch: bigint;
  /** Answers hello with this instead. */
  refuse: { code: string; message: string; retry: boolean } | null;
  /** A code of the catalogue refuses all of them with it. */
  uploads: 'accept' | 'break' | 'fenced' | 'payload_too_large';
}

export class FakeMaster {
  readonly authority: TestAuthority;
  readonly secrets = new Map<string, string>();
  readonly sessions: FakeSession[] = [];
  readonly reports: { readonly session: bigint; readonly report: wire.AttemptReport }[] = [];
  readonly logs = new Map<string, ReceivedLog>();
  readonly artifacts = new Map<string, ReceivedArtifact[]>();
  readonly behaviour: Behaviour = {
    acknowledgeHeartbeats: true,
    acknowledgeReports: true,
    acknowledgeLogs: true,
    welcome: true,
    epoch: 1n,
    refuse: null,
    uploads: 'accept',
  };
  /** What no worker may do; a test that ends with one has failed. */
  readonly complaints: string[] = [];
  renewals = 0;
  readonly #options: Required<FakeMasterOptions>;
  readonly #server: http2.Http2SecureServer;
  readonly #sockets = new Set<TLSSocket>();
  #changed = Promise.withResolvers<void>();

  private constructor(authority: TestAuthority, options: FakeMasterOptions) {
    this.authority = authority;
    this.#options = {
      heartbeatMs: 200,
      leaseMs: 2_000,
      certificateMs: 86_400_000,
      clusterId: authority.clusterId,
      ...options,
    };
    const handler = connectNodeAdapter({
      routes: (router) => router.service(wire.WorkerService, this.#service()),
      acceptCompression: [],
    });
    this.#server = http2.createSecureServer(
      {
        ...authority.server,
        ca: authority.rootPem,
        minVersion: 'TLSv1.3',
        requestCert: true,
        rejectUnauthorized: false,
        settings: { maxConcurrentStreams: 1000, initialWindowSize: 2 ** 20 },
      },
      handler,
    );
    this.#server.on('secureConnection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {}); // A worker that goes away is part of the tests.
    });
  }

  static async start(options: FakeMasterOptions = {}, port = 0): Promise<FakeMaster> {
    const master = new FakeMaster(await makeTestAuthority(options.clusterId), options);
    await new Promise<void>((resolve) => master.#server.listen(port, '127.0.0.1', resolve));
    return master;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  register(workerId: string, secret = 'secret-of-at-least-16-characters'): string {
    this.secrets.set(workerId, secret);
    return `CAIJ1.${this.authority.rootDigest}.${workerId}.${secret}`;
  }

  /** The newest session that was welcomed. */
  get session(): FakeSession {
    const session = this.sessions.findLast(({ isOpen }) => isOpen);
    if (session === undefined) throw new Error('no worker is connected');
    return session;
  }

  log(key: AttemptKey): ReceivedLog {
    let log = this.logs.get(keyText(key));
    if (log === undefined) {
      log = new ReceivedLog();
      this.logs.set(keyText(key), log);
    }
    return log;
  }

  /** Resolves with the first truthy answer; asked again after everything that arrives. */
  async until<T>(look: () => T | null | undefined | false, timeoutMs = 20_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    while (true) {
      const seen = look();
      if (seen !== null && seen !== undefined && seen !== false) return seen;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`not seen within ${timeoutMs} ms: ${look}`);
      const timer = Promise.withResolvers<void>();
      const timeout = setTimeout(timer.resolve, Math.min(left, 50));
      await Promise.race([this.#changed.promise, timer.promise]);
      clearTimeout(timeout);
    }
  }

  connected(timeoutMs?: number): Promise<FakeSession> {
    return this.until(() => this.sessions.findLast(({ isOpen }) => isOpen), timeoutMs);
  }

  /** What was reported of one attempt, in order, with repetitions. */
  phasesOf(key: AttemptKey): wire.AttemptReport['phase'][] {
    return this.reports
      .filter(({ report }) => report.key?.taskId === key.taskId && report.key.attempt === key.attempt)
      .map(({ report }) => report.phase);
  }

  ended(key: AttemptKey, timeoutMs?: number): Promise<wire.Ended> {
    return this.until(
      () => this.phasesOf(key).flatMap((phase) => (phase.case === 'ended' ? [phase.value] : []))[0],
      timeoutMs,
    );
  }

  running(key: AttemptKey, timeoutMs?: number): Promise<wire.Running> {
    return this.until(
      () => this.phasesOf(key).flatMap((phase) => (phase.case === 'running' ? [phase.value] : []))[0],
      timeoutMs,
    );
  }

  /** Cuts every connection, as a crash of the master would. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const session of this.sessions) session.end();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  notify(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }

  get options(): Required<FakeMasterOptions> {
    return this.#options;
  }

  #service(): ServiceImpl<typeof wire.WorkerService> {
    return {
      registerWorker: async ({ workerId, joinSecret, csr }) => {
        if (this.secrets.get(workerId) !== joinSecret) {
          throw new ConnectError('the join token was used or is not valid', Code.Unauthenticated);
        }
        this.secrets.delete(workerId);
        const certificateChain = await this.authority.certify(csr, workerId, this.#options.certificateMs);
        return { certificateChain, clusterId: this.authority.clusterId };
      },
      renewCertificate: async ({ csr }) => {
        this.renewals += 1;
        return { certificateChain: await this.authority.certify(csr, 'worker-1') };
      },
      session: (requests) => this.#session(requests),
      uploadArtifact: async (requests) => {
        let header: wire.ArtifactHeader | undefined;
        const parts: Uint8Array[] = [];
        for await (const { message } of requests) {
          if (message.case === 'header') header = message.value;
          if (message.case === 'data') parts.push(message.value);
          if (this.behaviour.uploads === 'break') throw new ConnectError('broken on purpose', Code.Unavailable);
        }
        const { uploads } = this.behaviour;
        if (uploads !== 'accept') throw new ConnectError('refused', Code.Aborted, { 'cloudai-code': uploads });
        if (header?.key === undefined) throw new ConnectError('no header', Code.InvalidArgument);
        const data = Buffer.concat(parts);
        const text = keyText(header.key);
        const others = (this.artifacts.get(text) ?? []).filter(({ path }) => path !== header?.path);
        this.artifacts.set(text, [...others, { path: header.path, data }]);
        this.notify();
        const digest = `sha256:${createHash('sha256').update(data).digest('hex')}`;
        return { sizeBytes: BigInt(data.byteLength), digest };
      },
    };
  }

  async *#session(requests: AsyncIterable<wire.SessionRequest>): AsyncGenerator<wire.SessionResponse> {
    const session = new FakeSession(this, BigInt(this.sessions.length + 1));
    this.sessions.push(session);
    void session.read(requests);
    yield* session.down();
  }
}

export class FakeSession {
  readonly number: bigint;
  readonly heartbeats: wire.Heartbeat[] = [];
  hello: wire.Hello | null = null;
  goodbye: string | null = null;
  isOpen = false;
  readonly #master: FakeMaster;
  readonly #queue: wire.SessionResponse[] = [];
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(master: FakeMaster, number: bigint) {
    this.#master = master;
    this.number = number;
  }

  send(message: Down): void {
    this.#queue.push(create(wire.SessionResponseSchema, { message }));
    this.#wake?.();
  }

  end(): void {
    this.isOpen = false;
    this.#ended = true;
    this.#wake?.();
    this.#master.notify();
  }

  async *down(): AsyncGenerator<wire.SessionResponse> {
    while (true) {
      const next = this.#queue.shift();
      if (next !== undefined) yield next;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async read(requests: AsyncIterable<wire.SessionRequest>): Promise<void> {
    try {
      for await (const { message } of requests) {
        this.#take(message);
        this.#master.notify();
      }
    } catch (error) {
      // A connection that breaks is part of the tests; a gap in a log is not.
      if (error instanceof LogGap) this.#master.complaints.push(error.message);
    }
    this.end();
  }

  #take(message: wire.SessionRequest['message']): void {
    const { behaviour, options } = this.#master;
    switch (message.case) {
      case 'hello':
        this.hello = message.value;
        if (behaviour.refuse !== null) {
          this.send({ case: 'refused', value: behaviour.refuse });
          return;
        }
        if (!behaviour.welcome) return;
        this.isOpen = true;
        this.send({
          case: 'welcome',
          value: {
            session: this.number,
            clusterId: this.#master.authority.clusterId,
            epoch: behaviour.epoch,
            heartbeatMs: options.heartbeatMs,
            leaseMs: options.leaseMs,
            masterVersion: 'fake',
          },
        });
        for (const { key } of message.value.found) {
          const log = this.#master.log(key!);
          this.send({
            case: 'logResume',
            value: { key: key!, stdoutOffset: BigInt(log.bytes.stdout), stderrOffset: BigInt(log.bytes.stderr) },
          });
        }
        return;
      case 'heartbeat':
        this.heartbeats.push(message.value);
        if (behaviour.acknowledgeHeartbeats) {
          this.send({ case: 'heartbeatAck', value: { sequence: message.value.sequence } });
        }
        return;
      case 'report': {
        const { key, sequence, phase } = message.value;
        this.#master.reports.push({ session: this.number, report: message.value });
        if (!behaviour.acknowledgeReports) return;
        this.send({ case: 'reportAck', value: { sequence, key: key!, forget: phase.case === 'ended' } });
        return;
      }
      case 'log':
        this.#log(message.value);
        return;
      case 'goodbye':
        this.goodbye = message.value.reason;
        this.end();
        return;
      case undefined:
        return;
    }
  }

  #log(chunk: wire.LogChunk): void {
    const log = this.#master.log(chunk.key!);
    const name = log.take(chunk);
    if (!this.#master.behaviour.acknowledgeLogs) return;
    this.send({ case: 'logAck', value: { key: chunk.key!, stream: chunk.stream, offset: BigInt(log.bytes[name]) } });
  }
}
