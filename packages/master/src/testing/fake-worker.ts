/**
 * A worker's side of the wire, played by hand: it joins, connects and says what the case tells it to, over the real
 * protocol and TLS. `ScriptedWorker` is one that lives by itself.
 */
import 'reflect-metadata';
import { createHash, createPrivateKey, randomUUID, webcrypto, X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { workerWire as wire } from '@cloudai/api';
import { type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import * as x509 from '@peculiar/x509';

export interface WorkerIdentity {
  readonly workerId: string;
  /** PEM. */
  readonly key: string;
  readonly chain: string;
  readonly ca: string;
}

export type HelloInit = MessageInitShape<typeof wire.HelloSchema>;
export type Up = NonNullable<MessageInitShape<typeof wire.SessionRequestSchema>['message']>;
export type DownMessage = wire.SessionResponse['message'];
type DownCase = Exclude<DownMessage['case'], undefined>;
type DownValue<Case extends DownCase> = Extract<DownMessage, { case: Case }>['value'];

const GIB = 2n ** 30n;
const DEFAULT_WAIT_MS = 5_000;

export const FAKE_CAPACITY: MessageInitShape<typeof wire.ResourcesSchema> = {
  cpuMillis: 8_000n,
  memoryBytes: 16n * GIB,
  storageBytes: 100n * GIB,
  gpuMillis: 0n,
};

/** A key and a PKCS #10 request for it, in DER. */
export async function makeRequest(algorithm: object = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }) {
  const keys = (await webcrypto.subtle.generateKey(algorithm as webcrypto.EcKeyGenParams, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    { name: 'CN=whatever', keys, signingAlgorithm: algorithm as webcrypto.EcdsaParams },
    webcrypto as never,
  );
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' });
  return { key: key.toString(), csr: new Uint8Array(request.rawData) };
}

/** The root that a server presents, if its digest is the expected one. */
export async function pinnedRoot(endpoint: string, digest: string): Promise<string> {
  const [host, port] = splitEndpoint(endpoint);
  return await new Promise((resolve, reject) => {
    const socket = tls.connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.3', ALPNProtocols: ['h2'] });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      let certificate = socket.getPeerX509Certificate();
      while (certificate !== undefined) {
        if (createHash('sha256').update(certificate.raw).digest('hex') === digest) break;
        certificate = certificate.issuerCertificate;
      }
      socket.destroy();
      if (certificate === undefined) reject(new Error('the server does not show the root that the token names'));
      else resolve(certificate.toString());
    });
  });
}

export function openClient(
  endpoint: string,
  ca: string,
  identity: Pick<WorkerIdentity, 'key' | 'chain'> | null,
): { readonly service: Client<typeof wire.WorkerService>; close(): void } {
  const url = `https://${endpoint}`;
  const manager = new Http2SessionManager(
    url,
    {},
    {
      ca,
      minVersion: 'TLSv1.3',
      ...(identity === null ? {} : { key: identity.key, cert: identity.chain }),
      settings: { initialWindowSize: 2 ** 20 },
    },
  );
  const transport = createGrpcTransport({ baseUrl: url, sessionManager: manager, acceptCompression: [] });
  return { service: createClient(wire.WorkerService, transport), close: () => manager.abort() };
}

export class FakeWorker {
  readonly endpoint: string;
  identity: WorkerIdentity;
  incarnation: string = randomUUID();
  #client: ReturnType<typeof openClient> | null = null;

  constructor(endpoint: string, identity: WorkerIdentity) {
    this.endpoint = endpoint;
    this.identity = identity;
  }

  static async join(endpoint: string, token: string): Promise<FakeWorker> {
    const [, digest = '', ...rest] = token.split('.');
    const secret = rest.pop() ?? '';
    const workerId = rest.join('.');
    const ca = await pinnedRoot(endpoint, digest);
    const { key, csr } = await makeRequest();
    const client = openClient(endpoint, ca, null);
    try {
      const { certificateChain } = await client.service.registerWorker({ workerId, joinSecret: secret, csr });
      return new FakeWorker(endpoint, { workerId, key, chain: toPem(certificateChain), ca });
    } finally {
      client.close();
    }
  }

  get id(): string {
    return this.identity.workerId;
  }

  /** Over the connection that the session uses, too. */
  get service(): Client<typeof wire.WorkerService> {
    this.#client ??= openClient(this.endpoint, this.identity.ca, this.identity);
    return this.#client.service;
  }

  /** With `onMessage` nothing that comes down is kept. */
  open(onMessage?: (message: DownMessage) => void): FakeSession {
    return new FakeSession(this.service, () => this.disconnect(), onMessage);
  }

  /** Opens a session and says hello; the first message down is still to be read. */
  hello(hello: HelloInit = {}, onMessage?: (message: DownMessage) => void): FakeSession {
    const session = this.open(onMessage);
    session.send({
      case: 'hello',
      value: {
        workerId: this.id,
        incarnation: this.incarnation,
        version: '0.0.0-fake',
        capacity: FAKE_CAPACITY,
        ...hello,
      } as HelloInit,
    });
    return session;
  }

  async connect(hello: HelloInit = {}): Promise<FakeSession> {
    const session = this.hello(hello);
    const welcome = await session.next('welcome');
    session.number = welcome.session;
    return session;
  }

  /** Asks for a new certificate over the current one, and uses it from the next connection on. */
  async renew(): Promise<void> {
    const { key, csr } = await makeRequest();
    const { certificateChain } = await this.service.renewCertificate({ csr });
    this.identity = { ...this.identity, key, chain: toPem(certificateChain) };
  }

  get certificate(): X509Certificate {
    return new X509Certificate(this.identity.chain);
  }

  /** Breaks the connection; the next call makes another one. */
  disconnect(): void {
    this.#client?.close();
    this.#client = null;
  }
}

export class FakeSession {
  /** Set from the welcome. */
  number = 0n;
  /** Everything that came down, in order. */
  readonly received: DownMessage[] = [];
  /** How the stream ended: null when the master ended it in order. */
  readonly ended: Promise<Error | null>;
  #sequence = 0n;
  #taken = 0;
  #over = false;
  readonly #outgoing: wire.SessionRequest[] = [];
  #closed = false;
  #wakeUp: (() => void) | null = null;
  readonly #waiters = new Set<() => void>();
  readonly #hangUp: () => void;
  readonly #onMessage: ((message: DownMessage) => void) | undefined;

  constructor(
    service: Client<typeof wire.WorkerService>,
    hangUp: () => void,
    onMessage: ((message: DownMessage) => void) | undefined,
  ) {
    this.#hangUp = hangUp;
    this.#onMessage = onMessage;
    this.ended = this.#receive(service);
  }

  send(message: Up): void {
    this.#outgoing.push(create(wire.SessionRequestSchema, { message }));
    this.#wakeUp?.();
  }

  heartbeat(rest: Partial<MessageInitShape<typeof wire.HeartbeatSchema>> = {}): bigint {
    this.#sequence += 1n;
    this.send({ case: 'heartbeat', value: { session: this.number, sequence: this.#sequence, ...rest } as never });
    return this.#sequence;
  }

  /** Returns the sequence that the acknowledgement will name. */
  report(
    key: { readonly taskId: string; readonly attempt: number },
    phase: NonNullable<MessageInitShape<typeof wire.AttemptReportSchema>['phase']>,
  ): bigint {
    this.#sequence += 1n;
    this.send({
      case: 'report',
      value: { session: this.number, sequence: this.#sequence, key: { ...key }, phase },
    });
    return this.#sequence;
  }

  log(
    key: { readonly taskId: string; readonly attempt: number },
    stream: 'stdout' | 'stderr',
    offset: number,
    data: Uint8Array | string,
    rest: { readonly last?: boolean; readonly dropped?: number; readonly at?: number } = {},
  ): void {
    this.send({
      case: 'log',
      value: {
        key: { ...key },
        stream: stream === 'stdout' ? wire.LogStream.STDOUT : wire.LogStream.STDERR,
        offset: BigInt(offset),
        data: typeof data === 'string' ? new Uint8Array(Buffer.from(data)) : new Uint8Array(data),
        at: BigInt(rest.at ?? 1_800_000_000_000),
        last: rest.last ?? false,
        dropped: BigInt(rest.dropped ?? 0),
      },
    });
  }

  /** The next message of this kind that was not taken yet; earlier ones of other kinds are passed over. */
  async next<Case extends DownCase>(
    kind: Case,
    fits: (value: DownValue<Case>) => boolean = () => true,
    waitMs = DEFAULT_WAIT_MS,
  ): Promise<DownValue<Case>> {
    const until = performance.now() + waitMs;
    for (;;) {
      while (this.#taken < this.received.length) {
        const message = this.received[this.#taken]!;
        this.#taken += 1;
        if (message.case === kind && fits(message.value as DownValue<Case>)) return message.value as DownValue<Case>;
      }
      const left = until - performance.now();
      if (this.#over || left <= 0) {
        const kinds = this.received.map((message) => message.case).join(', ');
        throw new Error(
          `no ${kind} ${this.#over ? 'before the stream ended' : `within ${waitMs} ms`}; came: ${kinds || 'nothing'}`,
        );
      }
      await this.#change(left);
    }
  }

  /** Ends what goes up, in order. */
  close(): void {
    this.#closed = true;
    this.#wakeUp?.();
  }

  /** As if the network broke. */
  destroy(): void {
    this.#hangUp();
  }

  async #receive(service: Client<typeof wire.WorkerService>): Promise<Error | null> {
    try {
      for await (const { message } of service.session(this.#requests())) {
        if (this.#onMessage !== undefined) {
          this.#onMessage(message);
          continue;
        }
        this.received.push(message);
        this.#tell();
      }
      return null;
    } catch (error) {
      return error as Error;
    } finally {
      this.#over = true;
      this.close();
      this.#tell();
    }
  }

  async *#requests(): AsyncGenerator<wire.SessionRequest> {
    for (;;) {
      const next = this.#outgoing.shift();
      if (next !== undefined) yield next;
      else if (this.#closed) return;
      else
        await new Promise<void>((resolve) => {
          this.#wakeUp = resolve;
        });
    }
  }

  #tell(): void {
    for (const waiter of this.#waiters) waiter();
  }

  async #change(waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, waitMs);
      const waiters = this.#waiters;
      function done(): void {
        clearTimeout(timer);
        waiters.delete(done);
        resolve();
      }
      waiters.add(done);
    });
  }
}

export function toPem(chain: readonly Uint8Array[]): string {
  return chain.map((der) => new X509Certificate(der).toString()).join('');
}

export function splitEndpoint(endpoint: string): [host: string, port: number] {
  const at = endpoint.lastIndexOf(':');
  return [endpoint.slice(0, at).replace(/^\[|\]$/g, ''), Number(endpoint.slice(at + 1))];
}
