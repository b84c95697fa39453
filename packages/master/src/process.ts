/**
 * The master's process: opens the store, takes the lead, listens, and stops in order. `runMaster` is all of it but the
 * signals and the exit code, which `serveMaster` adds.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_ENGINE_CONFIG, type EngineConfig } from '@cloudai/engine';
import { openStore, type Retention as RetentionLimits, type Store } from '@cloudai/store';
import { type Logger, pino } from 'pino';
import { bind, joinAddress, namesOf, splitAddress } from './addresses.ts';
import { FileArtifactStore } from './artifacts/artifact-store.ts';
import { SteadyClock } from './clock.ts';
import type { MasterContext } from './context.ts';
import { EXIT, endOf, type MasterEnd } from './ending.ts';
import { openGrpc } from './grpc/index.ts';
import { Authority, WORKER_LIFETIME_MS } from './identity/authority.ts';
import { readClusterFile } from './identity/cluster-file.ts';
import { identityOf } from './identity/identity.ts';
import { newId } from './ids.ts';
import { type Leading, takeLead } from './lead.ts';
import { FileLogStore } from './logs/log-store.ts';
import { LogSealer } from './logs/sealer.ts';
import { MasterLoop } from './loop.ts';
import { Observation } from './observation.ts';
import type { MasterOptions } from './options.ts';
import { isLoopback, type Rest, startRest } from './rest/index.ts';
import { Retention } from './retention.ts';
import { WorkerJoin } from './sessions/join.ts';
import { SessionRegistry } from './sessions/registry.ts';
import { WorkerServer } from './sessions/server.ts';
import type { SessionConfig } from './sessions/session.ts';
import { MemoryUsageBook } from './sessions/usage-book.ts';
import { StartError } from './start-error.ts';
import { StoreAudit } from './store-audit.ts';
import { storeUrl } from './store-url.ts';

export { EXIT, type MasterEnd } from './ending.ts';
export type { MasterOptions };

export interface MasterHandle {
  readonly context: MasterContext;
  readonly clusterId: string;
  readonly epoch: number;
  readonly restUrl: string;
  /** null: gRPC is not served. */
  readonly grpcUrl: string | null;
  /** `host:port` that workers dial. */
  readonly workerEndpoint: string;
  readonly registry: SessionRegistry;
  readonly server: WorkerServer;
  /** Finishes what was accepted, tells workers to come back, closes everything. */
  stop(): Promise<void>;
  /** Resolves when it has stopped, for whatever reason. */
  readonly stopped: Promise<MasterEnd>;
}

const DEFAULT_SESSIONS: SessionConfig = { heartbeatMs: 5_000, leaseMs: 10_000, helloMs: 5_000 };
const KEEP_ALL: RetentionLimits = { endedTasksMs: null, eventsMs: null };
const RETENTION_EVERY_MS = 3_600_000;
const ARTIFACT_MAX_BYTES = 10 * 2 ** 30;
const CERTIFICATE_CHECK_MS = 86_400_000;
/** Workers have come back by then, and users are served. */
const AUDIT_AFTER_MS = 15_000;
const FAILED_STOP_MS = 500;

/** Throws `StartError` or `StoreError`, both with a text for people, when it can not start. */
export async function runMaster(options: MasterOptions): Promise<MasterHandle> {
  const master = new Master(options);
  try {
    return await master.start();
  } catch (error) {
    await master.abandon();
    throw error;
  }
}

class Master {
  readonly #options: MasterOptions;
  readonly #log: Logger;
  readonly #clock: SteadyClock;
  readonly #engineConfig: EngineConfig;
  /** What was started, in order; stopped in the opposite one. */
  readonly #started: (() => Promise<void> | void)[] = [];
  #ended: (end: MasterEnd) => void = () => {};
  readonly #stopped: Promise<MasterEnd>;
  #state: 'running' | 'stopping' | 'stopped' = 'running';

  constructor(options: MasterOptions) {
    this.#options = options;
    this.#log =
      options.log ??
      pino({ name: 'master', level: options.logLevel ?? 'info' }, pino.destination({ dest: 2, sync: true }));
    this.#clock = new SteadyClock(options.clock);
    this.#engineConfig = { ...DEFAULT_ENGINE_CONFIG, ...options.engine };
    this.#stopped = new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  async start(): Promise<MasterHandle> {
    const began = performance.now();
    const { dataDir, version } = this.#options;
    const authority = await this.#openIdentity();
    const store = await this.#openStore(authority.clusterId);
    const { engine, epoch } = await this.#lead(store);

    const observation = await this.#observe(authority.clusterId, store, (performance.now() - began) / 1000);

    const onFatal = (error: unknown): void => this.#fatal(error);
    const logs = await this.#openLogs(store, onFatal);
    const artifactsDir = path.join(dataDir, 'artifacts');
    await mkdir(artifactsDir, { recursive: true, mode: 0o700 });
    const artifacts = new FileArtifactStore(artifactsDir);
    const registry = new SessionRegistry();
    const usage = new MemoryUsageBook();
    const loop: MasterLoop = new MasterLoop({
      engine,
      store,
      epoch,
      clock: this.#clock,
      perform: (effects) => registry.perform(effects),
      reload: async () => {
        this.#log.error('the disk is full; starting anew from what is stored');
        registry.closeAll('The disk of the master is full. Connect again.');
        return await this.#lead(store);
      },
      onBatch: (figures) => observation.onBatch(figures),
      onFatal,
    });
    const telemetry = observation.attach(loop, usage);
    const sealer = new LogSealer(logs, store, (error) => this.#log.error({ err: error }, 'a log could not be ended'));
    loop.onCommitted((changes) => {
      registry.onCommitted(changes);
      sealer.onCommitted(changes);
      observation.onCommitted(changes);
      for (const change of changes) if (change.kind === 'workerRemoved') usage.forget(change.workerId);
    });

    const join = new WorkerJoin({
      loop,
      authority,
      certificateMs: this.#options.workerCertificateMs ?? WORKER_LIFETIME_MS,
      now: Date.now,
    });
    const listen = this.#workerAddress();
    const server = new WorkerServer({
      ...listen,
      credentials: await authority.issueServer(listen.names, Date.now()),
      sessions: {
        loop,
        store,
        logs,
        usage,
        registry,
        config: { ...DEFAULT_SESSIONS, ...this.#options.sessions },
        clusterId: authority.clusterId,
        version,
        now: () => this.#clock.now(),
        traceparent: (key) => observation.traceparent(key),
        onWarning: (message, details) => this.#log.warn(details, message),
      },
      uploads: { loop, registry, artifacts, maxBytes: this.#options.artifactMaxBytes ?? ARTIFACT_MAX_BYTES },
      join,
      ...(this.#options.guard === undefined ? {} : { guard: this.#options.guard }),
    });

    this.#clock.start();
    this.#started.push(() => this.#clock.stop());
    loop.start();
    this.#started.push(() => loop.stop());
    const port = await bind(() => server.listen(), listen.host, listen.port, 'workers');
    this.#started.push(() => server.stop('The master is stopping. Connect again.'));

    const audit = this.#storeAudit(store);
    const context: MasterContext = {
      loop,
      store,
      logs,
      artifacts,
      usage,
      telemetry,
      identity: identityOf(authority),
      version,
      startedAt: this.#clock.now(),
      storeAudit: () => audit.view,
      workerEndpoint: listen.endpoint(port),
      now: () => this.#clock.now(),
      newId: () => newId(),
    };
    const rest = await this.#startRest(context, authority, observation);
    this.#started.push(() => rest.close());
    const grpc = await openGrpc({ context, authority, options: this.#options, log: this.#log });
    this.#started.push(() => grpc.close());
    this.#renewCertificates(authority, async (now) => {
      server.setCredentials(await authority.issueServer(listen.names, now));
      rest.setCredentials(await authority.issueServer(this.#restNames(), now));
      await grpc.renewCertificate(now);
    });
    observation.start(context, {
      sessions: () => registry.size,
      watches: () => rest.open().watches,
      streams: () => rest.open().streams,
      logBytes: () => logs.counts,
    });
    this.#startRetention(context, logs, artifacts);
    audit.start();
    this.#started.push(() => audit.stop());

    this.#log.info(
      { cluster: authority.clusterId, epoch, rest: rest.url, grpc: grpc.url, workers: context.workerEndpoint },
      'the master is ready',
    );
    return {
      context,
      clusterId: authority.clusterId,
      epoch,
      restUrl: rest.url,
      grpcUrl: grpc.url,
      workerEndpoint: context.workerEndpoint,
      registry,
      server,
      stop: () => this.#stop({ exitCode: EXIT.stopped, reason: 'asked to stop' }),
      stopped: this.#stopped,
    };
  }

  /** Start failed half-way. */
  async abandon(): Promise<void> {
    await this.#stop({ exitCode: EXIT.config, reason: 'could not start' });
  }

  async #openIdentity(): Promise<Authority> {
    const { dataDir } = this.#options;
    const cluster = await readClusterFile(dataDir);
    if (cluster === null)
      throw new StartError(
        'not_initialised',
        `${dataDir} holds no cluster; make one with: cloudai init --data ${dataDir}`,
      );
    const authority = await Authority.load(dataDir, cluster.clusterId);
    await this.#renewIssuing(authority);
    return authority;
  }

  async #openStore(clusterId: string): Promise<Store> {
    const { dataDir, reserveBytes } = this.#options;
    const url = storeUrl(dataDir);
    const store = await openStore(url, reserveBytes === undefined ? {} : { reserveBytes });
    this.#started.push(() => store.close());
    const info = await store.info();
    if (info.clusterId !== clusterId)
      throw new StartError(
        'foreign_store',
        `${url} belongs to cluster ${info.clusterId}, ${dataDir}/cluster.json to cluster ${clusterId}; restore both from one backup`,
      );
    return store;
  }

  /** The next epoch, from what is stored. Waits while the disk has no room for it. */
  #lead(store: Store): Promise<Leading> {
    return takeLead(store, {
      engine: this.#engineConfig,
      now: () => this.#clock.now(),
      mayWait: () => this.#state === 'running',
      onWait: (error) => this.#log.error({ err: error }, 'the disk is full; waiting for space'),
    });
  }

  async #openLogs(store: Store, onFatal: (error: unknown) => void): Promise<FileLogStore> {
    const directory = path.join(this.#options.dataDir, 'logs');
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const logs = new FileLogStore({
      directory,
      onFatal,
      isReserved: () => store.health().state === 'full',
      onWarning: (message) => this.#log.warn(message),
    });
    this.#started.push(() => logs.close());
    return logs;
  }

  #workerAddress() {
    const { host = '127.0.0.1', port = 50_051, advertise } = this.#options.workers ?? {};
    const [knownHost, knownPort] = splitAddress(advertise ?? '');
    return {
      host,
      port,
      names: namesOf([host, knownHost]),
      endpoint: (taken: number) => joinAddress(knownHost || host, knownPort ?? taken),
    };
  }

  async #startRest(context: MasterContext, authority: Authority, { metrics }: Observation): Promise<Rest> {
    const { host = '127.0.0.1', port = 8080, hosts = [], ...rest } = this.#options.rest ?? {};
    const tls = isLoopback(host) ? undefined : await authority.issueServer(this.#restNames(), Date.now());
    const log = { error: (fields: object, message: string) => this.#log.error(fields, message) };
    const given = { ...rest, ...(tls === undefined ? {} : { tls }) };
    const { metrics: metricsAccess } = this.#options;
    const start = () =>
      startRest(context, {
        ...(metricsAccess === undefined ? {} : { metricsAccess }),
        metrics,
        host,
        port,
        hosts,
        log,
        ...given,
      });
    return await bind(start, host, port, 'users');
  }

  #restNames(): string[] {
    const { host = '127.0.0.1', hosts = [] } = this.#options.rest ?? {};
    return namesOf([host, ...hosts]);
  }

  #startRetention(context: MasterContext, logs: FileLogStore, artifacts: FileArtifactStore): void {
    const retain: NonNullable<MasterOptions['retention']> = this.#options.retention ?? KEEP_ALL;
    const { everyMs = RETENTION_EVERY_MS, ...limits } = retain;
    const retention = new Retention({
      limits,
      everyMs,
      store: context.store,
      logs,
      artifacts,
      telemetry: context.telemetry,
      isKnown: (taskId) => context.loop.engine.task(taskId) !== null,
      now: () => this.#clock.now(),
      onRemoved: (counts) => this.#log.info(counts, 'retention removed what was due'),
      onError: (error) => this.#log.error({ err: error }, 'retention could not remove what was due'),
    });
    retention.start();
    this.#started.push(() => retention.stop());
  }

  async #observe(clusterId: string, store: Store, recoverySeconds: number): Promise<Observation> {
    const observation = await Observation.open({
      options: this.#options,
      clusterId,
      store,
      recoverySeconds,
      now: () => this.#clock.now(),
      onError: (message, error) => this.#log.error({ err: error }, message),
    });
    this.#started.push(() => observation.stop());
    return observation;
  }

  #storeAudit(store: Store): StoreAudit {
    return new StoreAudit({
      store,
      afterMs: this.#options.auditAfterMs ?? AUDIT_AFTER_MS,
      now: () => this.#clock.now(),
      onFindings: (findings) => {
        for (const finding of findings) this.#log.error(finding, 'the audit of the store found a defect');
      },
      onError: (error) => this.#log.error({ err: error }, 'the audit of the store could not be finished'),
    });
  }

  #renewCertificates(authority: Authority, renewServers: (now: number) => Promise<void>): void {
    const renew = async (): Promise<void> => {
      await this.#renewIssuing(authority);
      await renewServers(Date.now());
    };
    const timer = setInterval(() => {
      renew().catch((error: unknown) => this.#log.error({ err: error }, 'the server certificate could not be renewed'));
    }, CERTIFICATE_CHECK_MS).unref();
    this.#started.push(() => clearInterval(timer));
  }

  /** An intermediate that can not be renewed yet still works: that is worth a warning, not a stop. */
  async #renewIssuing(authority: Authority): Promise<void> {
    try {
      if (await authority.renew(Date.now())) this.#log.info('the issuing certificate was renewed');
    } catch (error) {
      const until = new Date(authority.issuingUntil).toISOString();
      this.#log.warn(
        { err: error, until },
        'the issuing certificate could not be renewed; workers can join until it ends',
      );
    }
  }

  #fatal(error: unknown): void {
    const end = endOf(error);
    this.#log.fatal({ err: error }, end.reason);
    // Nothing of what is in memory may leave any more; the next process starts from what is stored.
    void this.#stop(end);
  }

  async #stop(end: MasterEnd): Promise<void> {
    if (this.#state === 'running') {
      this.#state = 'stopping';
      const closing = this.#close();
      // After a failure nobody is waited for: what is open is closed by the end of the process.
      await (end.exitCode === EXIT.stopped ? closing : Promise.race([closing, delay(FAILED_STOP_MS)]));
      this.#state = 'stopped';
      this.#ended(end);
    }
    await this.#stopped;
  }

  async #close(): Promise<void> {
    for (const stop of this.#started.splice(0).reverse())
      try {
        await stop();
      } catch (error) {
        this.#log.error({ err: error }, 'something did not stop in order');
      }
  }
}

/** The whole life of a master's process; resolves with its exit code. */
export async function serveMaster(options: MasterOptions, out: (line: string) => void): Promise<number> {
  const master = await runMaster(options);
  const onSignal = (): void => void master.stop();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal);
  out(
    `cloudai master ready: users ${master.restUrl}, workers ${master.workerEndpoint}, cluster ${master.clusterId}, epoch ${master.epoch}`,
  );
  try {
    return (await master.stopped).exitCode;
  } finally {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, onSignal);
  }
}
