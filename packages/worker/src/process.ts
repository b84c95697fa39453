/**
 * The worker process: gets an identity, opens the runtime, keeps a session with the master, and ends when it is told to
 * or when the master refuses it for good. Containers outlive it, unless the worker was unregistered.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, statfs, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Logger, pino } from 'pino';
import { Uploader } from './artifacts.ts';
import { type AttemptJournal, FileAttemptJournal } from './attempt-journal.ts';
import { type Capacity, type CapacityOverrides, detectCapacity, detectedLabels, detectGpus } from './capacity.ts';
import { type Clock, delay, systemClock } from './clock.ts';
import { DataLock } from './data-lock.ts';
import { EpochFloor } from './epoch-floor.ts';
import type { GpuDevice } from './gpus.ts';
import {
  ageMs,
  chainToPem,
  expiresAt,
  type Identity,
  makeKeyAndRequest,
  renewAfterMs,
  storeIdentity,
  tlsOptions,
} from './identity.ts';
import { ensureIdentity } from './join.ts';
import { Lease } from './lease.ts';
import { type MasterAddress, openMasterClient, parseMasterAddress } from './master-client.ts';
import { WorkerMetrics } from './metrics.ts';
import { serveMetrics } from './metrics-server.ts';
import { observers, type WorkerObserver } from './observer.ts';
import { dockerSocketPath, openDockerRuntime } from './runtimes/docker/index.ts';
import type { Runtime } from './runtimes/runtime.ts';
import { Session, type SessionEnd } from './session.ts';
import { Supervisor } from './supervisor.ts';
import { diskComplaint, MachineSampler, type MachineUsage } from './telemetry.ts';
import { openWorkerTraces } from './traces.ts';
import { capacityToWire } from './wire.ts';

/** EX_NOPERM of sysexits.h: the master does not want this worker, and trying again will not help. */
export const EXIT_REFUSED = 77;
/** The code of the refusal after which nothing of this worker is wanted any more. */
const UNREGISTERED = 'worker_revoked';
const RECONNECT_FIRST_MS = 200;
const RECONNECT_MAX_MS = 5_000;
/** Reconnects slow down only while they fail; a session that lasted this long was a good one. */
const GOOD_SESSION_MS = 2_000;
const RENEW_RETRY_MS = 60_000;
/** A certificate that is old when it comes would otherwise be renewed without a pause. */
const RENEW_LEAST_MS = 60_000;
const RENEW_CALL_MS = 30_000;
const RUNTIME_RETRY_MS = 2_000;
const NOT_CHECKED = 'starting';

export interface WorkerOptions {
  /** `host:port` of the master's worker port. */
  readonly master: string;
  /** Checked against the token or the stored identity when given. */
  readonly id?: string | undefined;
  /** One-time token; needed until the worker has an identity. */
  readonly join?: string | undefined;
  readonly dataDirectory: string;
  readonly version?: string | undefined;
  readonly capacity?: CapacityOverrides | undefined;
  /** Labels the operator gives on the command line; they win over detected ones. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Docker's config.json with registry credentials. */
  readonly registryAuth?: string | undefined;
  readonly dockerHost?: string | undefined;
  /** OTLP endpoint of traces. Default: `OTEL_EXPORTER_OTLP_ENDPOINT`; none are made without either. */
  readonly tracesEndpoint?: string | undefined;
  /** Where `/metrics` is shown: `127.0.0.1:9101`. Off without it. */
  readonly metrics?: { readonly listen: string; readonly token: string | null } | undefined;
  /** Of the default log. Without it `CLOUDAI_LOG_LEVEL`, else `info`. */
  readonly logLevel?: string | undefined;
  /** Default: to stderr. */
  readonly log?: Logger | undefined;
  /** Replaces Docker, for tests and the farm. Gets the identity, because containers are named after it. */
  readonly openRuntime?: ((identity: Identity, gpus: readonly GpuDevice[]) => Promise<Runtime>) | undefined;
  /** Replaces the look at the machine, for farms of many workers in one process. */
  readonly sampleMachine?: (() => Promise<MachineUsage>) | undefined;
  readonly journal?: AttemptJournal | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
}

export interface WorkerEnd {
  readonly exitCode: number;
  /** For the operator; null after an ordinary stop. */
  readonly message: string | null;
}

export interface WorkerHandle {
  readonly workerId: string;
  readonly clusterId: string;
  /** True while the master has this worker in a session. */
  readonly isConnected: boolean;
  /** Settles when the worker has ended, for whatever reason. */
  readonly ended: Promise<WorkerEnd>;
  /** Says goodbye; containers go on. */
  stop(reason?: string): Promise<WorkerEnd>;
}

/** Joins if need be and starts the worker. Rejects when it can not become a worker at all (no token, refused, foreign data). */
export async function runWorker(options: WorkerOptions): Promise<WorkerHandle> {
  const log = options.log ?? defaultLog(options.logLevel);
  const address = parseMasterAddress(options.master);
  await mkdir(options.dataDirectory, { recursive: true, mode: 0o700 });
  const lock = DataLock.take(options.dataDirectory);
  try {
    const identity = await ensureIdentity(options, address, log);
    const epochs = await EpochFloor.load(options.dataDirectory, identity.clusterId, (error) => {
      log.warn({ err: error }, 'the epoch of the master could not be written down');
    });
    const worker = new Worker(options, address, identity, epochs, log);
    const ended = runToEnd(worker, epochs, lock);
    return {
      workerId: identity.workerId,
      clusterId: identity.clusterId,
      get isConnected() {
        return worker.isConnected;
      },
      ended,
      stop(reason = 'stopped') {
        worker.stop(reason);
        return ended;
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function runToEnd(worker: Worker, epochs: EpochFloor, lock: DataLock): Promise<WorkerEnd> {
  try {
    return await worker.run();
  } finally {
    await epochs.settled();
    lock.release();
  }
}

interface Machine {
  /** On the disk that containers write to. */
  readonly diskPath: string;
  readonly sample: () => Promise<MachineUsage>;
}

class Worker {
  readonly #options: WorkerOptions;
  readonly #address: MasterAddress;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  readonly #incarnation = randomUUID();
  readonly #lease = new Lease();
  readonly #uploader = new Uploader();
  readonly #epochs: EpochFloor;
  #identity: Identity;
  /** By the clock that never jumps: the wall clock says at most once, at the start, how old a certificate is. */
  #renewDueAt: number;
  #session: Session | null = null;
  #usage: MachineUsage | null = null;
  #unhealthy = NOT_CHECKED;
  #onRuntimeChange: () => void = () => {};
  readonly #observed: WorkerObserver[] = [];
  readonly #observer = observers(this.#observed);

  constructor(options: WorkerOptions, address: MasterAddress, identity: Identity, epochs: EpochFloor, log: Logger) {
    this.#options = options;
    this.#epochs = epochs;
    this.#address = address;
    this.#identity = identity;
    this.#log = log;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    const keepMs = renewAfterMs(identity.chain, this.#random());
    const age = Math.min(keepMs, Math.max(0, ageMs(identity.chain, this.#clock.wallNow())));
    this.#renewDueAt = this.#clock.now() + keepMs - age;
  }

  get isConnected(): boolean {
    return this.#session !== null && this.#session.id !== null;
  }

  stop(reason: string): void {
    this.#stop.abort();
    this.#session?.stop(reason);
  }

  async run(): Promise<WorkerEnd> {
    const gpus = await detectGpus(this.#options.capacity?.gpus);
    const runtime = await this.#openRuntime(gpus);
    try {
      return await this.#runOn(runtime, gpus);
    } finally {
      await runtime.close();
    }
  }

  async #runOn(runtime: Runtime, gpus: readonly GpuDevice[]): Promise<WorkerEnd> {
    const { dataDirectory, capacity: overrides = {}, journal } = this.#options;
    const diskPath = await visible(runtime.storagePath(), dataDirectory);
    const capacity = await detectCapacity(diskPath, gpus, overrides);
    const supervisor = new Supervisor({
      runtime,
      clock: this.#clock,
      journal: journal ?? new FileAttemptJournal(dataDirectory),
      lease: this.#lease,
      log: this.#log,
      observer: this.#observer,
    });
    const machine = { diskPath, sample: this.#sampler(diskPath, gpus.length > 0) };
    const opened: (() => Promise<void>)[] = [];
    try {
      opened.push(await this.#showMetrics(supervisor));
      opened.push(await this.#traceAttempts());
      await this.#adopt(supervisor, runtime);
      this.#onRuntimeChange = () => void this.#check(machine, supervisor, runtime);
      await this.#check(machine, supervisor, runtime);
      return await this.#connectForEver(supervisor, capacity, () => {
        void this.#measure(machine, supervisor, runtime);
      });
    } finally {
      supervisor.detach();
      for (const close of opened) await close();
    }
  }

  async #traceAttempts(): Promise<() => Promise<void>> {
    const { tracesEndpoint = null, version = '0.0.0' } = this.#options;
    const { workerId } = this.#identity;
    const traces = await openWorkerTraces({ endpoint: tracesEndpoint, workerId, version });
    if (traces === null) return async () => {};
    this.#observed.push(traces);
    return () => traces.close();
  }

  async #showMetrics(supervisor: Supervisor): Promise<() => Promise<void>> {
    const { metrics: wanted, version = '0.0.0' } = this.#options;
    if (wanted === undefined) return async () => {};
    const metrics = new WorkerMetrics({
      version,
      isConnected: () => this.isConnected,
      isHealthy: () => this.#unhealthy === '',
      usage: () => this.#usage,
      phases: () => [...supervisor.runners.values()].map(({ state }) => state.phase),
    });
    const server = await serveMetrics({
      ...wanted,
      contentType: metrics.contentType,
      text: () => metrics.text(),
    });
    this.#observed.push(metrics);
    this.#log.info({ url: server.url }, 'metrics are shown');
    return () => server.close();
  }

  #sampler(diskPath: string, hasGpus: boolean): () => Promise<MachineUsage> {
    const { sampleMachine } = this.#options;
    if (sampleMachine !== undefined) return sampleMachine;
    const sampler = new MachineSampler({ diskPath, hasGpus });
    return () => sampler.sample();
  }

  async #openRuntime(gpus: readonly GpuDevice[]): Promise<Runtime> {
    const { openRuntime, dataDirectory, dockerHost, registryAuth } = this.#options;
    if (openRuntime !== undefined) return openRuntime(this.#identity, gpus);
    await goLastOutOfMemory();
    return openDockerRuntime({
      owner: { clusterId: this.#identity.clusterId, workerId: this.#identity.workerId },
      dataDirectory: path.resolve(dataDirectory),
      socketPath: dockerSocketPath(dockerHost ?? process.env.DOCKER_HOST),
      authFile: registryAuth ?? path.join(os.homedir(), '.docker', 'config.json'),
      gpus,
      warn: (text) => this.#log.warn(text),
      onHealthChange: () => this.#onRuntimeChange(),
    });
  }

  /** The hello names every container that is here, so there is no hello before the runtime could be asked. */
  async #adopt(supervisor: Supervisor, runtime: Runtime): Promise<void> {
    let told = false;
    while (!this.#stop.signal.aborted) {
      try {
        await supervisor.adoptAll();
        return;
      } catch (error) {
        const { message } = await runtime.health();
        if (!told) this.#log.error({ err: error }, message ?? 'the runtime does not answer; trying again');
        told = true;
        // A worker that never ran anything may greet the master at once and say that it is not well.
        if (supervisor.runners.size === 0 && !(await hasOutputs(this.#options.dataDirectory))) return;
        await delay(this.#clock, RUNTIME_RETRY_MS, this.#stop.signal).catch(() => {}); // Stopped while waiting.
      }
    }
  }

  async #measure(machine: Machine, supervisor: Supervisor, runtime: Runtime): Promise<void> {
    try {
      this.#usage = await machine.sample();
      await this.#check(machine, supervisor, runtime);
      await supervisor.measure();
    } catch (error) {
      this.#log.warn({ err: error }, 'measuring failed'); // The next heartbeat repeats the last figures.
    }
  }

  /** Finds out whether tasks can run here; a change is told to the master at once. */
  async #check(machine: Machine, supervisor: Supervisor, runtime: Runtime): Promise<void> {
    const health = await runtime.health();
    const disk = this.#usage === null ? null : diskComplaint(this.#usage, machine.diskPath);
    const complaint = health.ok ? (supervisor.complaint ?? disk) : (health.message ?? 'the runtime does not answer');
    const unhealthy = complaint ?? '';
    if (unhealthy === this.#unhealthy) return;
    if (complaint !== null) this.#log.warn(complaint);
    else if (this.#unhealthy !== NOT_CHECKED) this.#log.info('healthy again');
    this.#unhealthy = unhealthy;
    this.#session?.beatNow();
  }

  async #connectForEver(supervisor: Supervisor, capacity: Capacity, measure: () => void): Promise<WorkerEnd> {
    let delayMs = RECONNECT_FIRST_MS;
    let told: string | null = null;
    while (!this.#stop.signal.aborted) {
      const startedAt = this.#clock.now();
      const end = await this.#connectOnce(supervisor, capacity, measure);
      if (end.kind === 'stopped') {
        if (this.#stop.signal.aborted) break;
        delayMs = RECONNECT_FIRST_MS; // Only to present a renewed certificate.
        continue;
      }
      if (end.kind === 'refused' && !end.retry) {
        this.#log.error({ code: end.code }, end.message);
        if (end.code === UNREGISTERED) await this.#clear(supervisor);
        return { exitCode: EXIT_REFUSED, message: end.message };
      }
      if (end.message !== told) this.#log.warn(`${this.#options.master}: ${end.message}; connecting again`);
      told = end.message;
      if (end.kind === 'lost' && end.wasOpen && this.#clock.now() - startedAt > GOOD_SESSION_MS) {
        delayMs = RECONNECT_FIRST_MS;
      }
      const jittered = delayMs * (0.5 + this.#random() / 2);
      await delay(this.#clock, jittered, this.#stop.signal).catch(() => {}); // Stopped while waiting.
      delayMs = Math.min(delayMs * 2, RECONNECT_MAX_MS);
    }
    return { exitCode: 0, message: null };
  }

  /** The master has given up what runs here, and will never again say a word about it. */
  async #clear(supervisor: Supervisor): Promise<void> {
    if (supervisor.runners.size === 0) return;
    this.#log.warn(`stopping the ${supervisor.runners.size} tasks of this worker, which is no longer registered`);
    if (await supervisor.clear(this.#stop.signal)) return;
    const left = [...supervisor.runners.keys()].join(', ');
    this.#log.error(`these containers are left: ${left}; remove them by hand, or start the worker again`);
  }

  async #connectOnce(supervisor: Supervisor, capacity: Capacity, measure: () => void): Promise<SessionEnd> {
    const { ca, clusterId } = this.#identity;
    const { version = '0.0.0', labels = {} } = this.#options;
    const master = openMasterClient(this.#address, tlsOptions(ca, clusterId, this.#identity));
    const session = new Session({
      client: master.service,
      supervisor,
      lease: this.#lease,
      clock: this.#clock,
      log: this.#log,
      random: this.#random,
      hello: () => ({
        workerId: this.#identity.workerId,
        incarnation: this.#incarnation,
        version,
        ...capacityToWire(capacity),
        labels: { ...detectedLabels(capacity), ...labels },
        unhealthy: this.#unhealthy,
      }),
      unhealthy: () => this.#unhealthy,
      usage: () => this.#usage,
      measure,
      acceptsEpoch: (epoch) => this.#epochs.accept(epoch),
      onWelcome: (welcome) => {
        this.#log.info({ session: String(welcome.session), master: welcome.masterVersion }, 'connected');
      },
      observer: this.#observer,
      onDrain: (on) => this.#log.info(on ? 'draining: no new tasks come' : 'no longer draining'),
    });
    this.#session = session;
    supervisor.useUploader((key, file, signal) => {
      if (session.id === null) return Promise.reject(new Error('not connected to the master'));
      return this.#uploader.upload(master.service, session.id, key, file, signal);
    });
    const cancelRenewal = this.#renewInTime(master.service, session);
    try {
      return await session.run();
    } finally {
      cancelRenewal();
      this.#session = null;
      master.close();
    }
  }

  /** Gets a new certificate in the later half of the old one's life, then reconnects with it. */
  #renewInTime(service: ReturnType<typeof openMasterClient>['service'], session: Session): () => void {
    const renew = async () => {
      try {
        const { key, csr } = await makeKeyAndRequest(this.#identity.workerId);
        const { certificateChain } = await service.renewCertificate({ csr }, { timeoutMs: RENEW_CALL_MS });
        const renewed = { ...this.#identity, key, chain: chainToPem(certificateChain) };
        await storeIdentity(this.#options.dataDirectory, renewed);
        this.#identity = renewed;
        this.#renewDueAt = this.#clock.now() + Math.max(RENEW_LEAST_MS, renewAfterMs(renewed.chain, this.#random()));
        this.#log.info({ until: new Date(expiresAt(renewed.chain)).toISOString() }, 'renewed the certificate');
        session.stop('renewed the certificate');
      } catch (error) {
        this.#log.warn({ err: error }, 'the certificate could not be renewed; trying again');
        cancel = this.#clock.after(RENEW_RETRY_MS, () => void renew());
      }
    };
    // A long wait is cut by the timer's range; asking early is harmless.
    let cancel = this.#clock.after(Math.max(0, this.#renewDueAt - this.#clock.now()), () => void renew());
    return () => cancel();
  }
}

/** The engine's own folder, when this process can see it: a worker without root rights, or elsewhere, can not. */
async function visible(folder: string | null, otherwise: string): Promise<string> {
  if (folder === null) return otherwise;
  return statfs(folder).then(
    () => folder,
    () => otherwise,
  );
}

/** When the machine runs out of memory the kernel takes tasks before it takes who accounts for them. */
async function goLastOutOfMemory(): Promise<void> {
  await writeFile('/proc/self/oom_score_adj', '-900').catch(() => {}); // Takes root, and Linux; it is a precaution.
}

async function hasOutputs(dataDirectory: string): Promise<boolean> {
  const names = await readdir(path.join(dataDirectory, 'outputs')).catch(() => []); // Never made: never ran a task.
  return names.length > 0;
}

function defaultLog(level = process.env.CLOUDAI_LOG_LEVEL ?? 'info'): Logger {
  return pino({ level, base: { area: 'worker' } }, pino.destination({ fd: 2, sync: true }));
}
