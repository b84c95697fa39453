/**
 * Runs attempts as Docker containers. Docker is the memory of the worker: name and labels of a container say which
 * attempt it is, create is idempotent by name, and an ended container stays until it is removed on purpose. An ordinary
 * task costs four calls: create, attach, start, remove, and a share of the one stream of events.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptKey, RunSpec } from '../../core/attempt.ts';
import type { ContainerExit } from '../../core/classify.ts';
import type { PreparedImage } from '../../core/state.ts';
import {
  type ContainerStats,
  type FoundContainer,
  type LogNotes,
  type LogPiece,
  type Outputs,
  type Runtime,
  RuntimeError,
  type RuntimeHealth,
  type StartedContainer,
} from '../runtime.ts';
import { type ContainerInspect, type ContainerSummary, time } from './answers.ts';
import { AttachedLog } from './attached-log.ts';
import { DockerClient, DockerError } from './client.ts';
import { ContainerLog } from './container-log.ts';
import { containerCreate, containerName, type DockerOwner, type GpuRef, LABELS, NETWORK_NAME } from './host-config.ts';
import { Images } from './images.ts';
import { OutputDirectories } from './outputs.ts';
import { startError, startFailure } from './start-failure.ts';
import { readStats, type StatsAnswer } from './stats.ts';
import { StoredLog } from './stored-log.ts';
import { Watcher } from './watcher.ts';

/** The event of a start comes within milliseconds of the answer to the call. */
const START_EVENT_MS = 300;
const STOP_ANSWER_MS = 60_000;
const REMOVAL_MS = 30_000;
const ALREADY_STARTED = 304;

export interface DockerRuntimeOptions {
  readonly owner: DockerOwner;
  readonly dataDirectory: string;
  readonly socketPath: string;
  /** Docker's config.json with registry credentials. */
  readonly authFile: string;
  readonly gpus: readonly GpuRef[];
  readonly warn: (text: string) => void;
  /** `health` would answer differently now. */
  readonly onHealthChange?: () => void;
}

export async function openDockerRuntime(options: DockerRuntimeOptions): Promise<DockerRuntime> {
  const runtime = new DockerRuntime(options);
  await runtime.open();
  return runtime;
}

export class DockerRuntime implements Runtime {
  readonly name = 'docker';
  readonly #options: DockerRuntimeOptions;
  readonly #client: DockerClient;
  readonly #images: Images;
  readonly #watcher: Watcher;
  readonly #outputs: OutputDirectories;
  readonly #logs = new Map<string, ContainerLog>();
  /** Of containers that were started and whose log nobody reads yet. */
  readonly #attached = new Map<string, AttachedLog>();
  readonly #startedHere = new Set<string>();
  /** By name, of containers that are surely ours. */
  readonly #ids = new Map<string, string>();
  #networkError: string | null = null;

  constructor(options: DockerRuntimeOptions) {
    this.#options = options;
    this.#client = new DockerClient(options.socketPath);
    this.#outputs = new OutputDirectories(options.dataDirectory, options.warn);
    this.#images = new Images(this.#client, {
      authFile: options.authFile,
      now: () => performance.now(),
      warn: options.warn,
    });
    this.#watcher = new Watcher(this.#client, options.owner, {
      warn: options.warn,
      onConnect: async () => {
        this.#images.forget();
        await this.#ensureNetwork();
      },
      onChange: () => options.onHealthChange?.(),
    });
  }

  /** Calls made to the engine so far. */
  get calls(): number {
    return this.#client.calls;
  }

  async open(): Promise<void> {
    await this.#outputs.prepare();
    await this.#watcher.open();
  }

  async health(): Promise<RuntimeHealth> {
    const instance = String(this.#watcher.instance);
    if (!this.#watcher.isConnected) {
      return { ok: false, message: this.#watcher.error ?? 'not connected to Docker yet', instance: null };
    }
    return { ok: this.#networkError === null, message: this.#networkError, instance };
  }

  prepare(spec: RunSpec, onProgress: (text: string) => void, signal: AbortSignal): Promise<PreparedImage> {
    return this.#images.prepare(spec, onProgress, signal);
  }

  async start(key: AttemptKey, spec: RunSpec, image: PreparedImage): Promise<StartedContainer> {
    const name = this.#name(key);
    const asked = performance.now();
    const { containerId, startedAt: ranSince } = await this.#create(name, key, spec, image);
    const createMs = performance.now() - asked;
    this.#ids.set(name, containerId);
    // An earlier start was carried out and its answer was lost. The process may have ended since; it runs once.
    if (ranSince !== null) return { containerId, startedAt: ranSince };
    const attached = await this.#attach(containerId);
    try {
      const status = await this.#client.status({ method: 'POST', path: `/containers/${containerId}/start` });
      // Of one that ran already only the stored log has the beginning.
      if (status === ALREADY_STARTED) attached?.close();
      else if (attached !== null) this.#attached.set(name, attached);
      // Nothing is missed of one that starts now; one that ran already may have ended unseen.
      if (status !== ALREADY_STARTED) this.#startedHere.add(name);
    } catch (error) {
      attached?.close();
      throw await this.#startFailure(name, error);
    }
    const startedAt = await this.#watcher.startedAt(name, START_EVENT_MS);
    if (startedAt !== null) return { containerId, startedAt, createMs };
    const inspect = await this.#inspect(name);
    const told = inspect === null ? null : time(inspect.State.StartedAt);
    return { containerId, startedAt: told ?? Date.now(), createMs };
  }

  wait(key: AttemptKey, _containerId: string, signal: AbortSignal): Promise<ContainerExit> {
    const name = this.#name(key);
    return this.#watcher.exit(name, !this.#startedHere.has(name), signal);
  }

  async stop(key: AttemptKey, containerId: string, graceMs: number): Promise<void> {
    const name = this.#name(key);
    this.#watcher.expectEnd(name);
    if (this.#watcher.isPaused(name)) await this.#quietly('POST', `/containers/${containerId}/unpause`);
    if (graceMs <= 0) {
      await this.#quietly('POST', `/containers/${containerId}/kill`);
      return;
    }
    await this.#quietly('POST', `/containers/${containerId}/stop`, {
      query: { t: Math.ceil(graceMs / 1000) },
      timeoutMs: graceMs + STOP_ANSWER_MS,
    });
  }

  async remove(key: AttemptKey): Promise<void> {
    const name = this.#name(key);
    this.#watcher.expectEnd(name);
    const containerId = this.#ids.get(name) ?? (await this.#idOfOurs(name, key));
    if (containerId !== null) await this.#removeContainer(containerId);
    await this.#outputs.remove(key);
    this.#watcher.forget(name);
    this.#startedHere.delete(name);
    this.#ids.delete(name);
    this.#logs.delete(name);
    this.#attached.get(name)?.close();
    this.#attached.delete(name);
  }

  async *logs(
    key: AttemptKey,
    containerId: string,
    isEnough: () => boolean,
    signal: AbortSignal,
  ): AsyncGenerator<LogPiece> {
    const name = this.#name(key);
    const isOver = () => this.#watcher.hasExited(name);
    const { warn } = this.#options;
    const stampFile = this.#outputs.stampFile(key);
    const attached = this.#attached.get(name) ?? null;
    this.#attached.delete(name); // Its bytes come once; whoever reads again reads what is stored.
    const stored = new StoredLog(this.#client, containerId, { isOver, warn, stampFile });
    const log = new ContainerLog({
      attached,
      stored,
      isOver,
      isEnough,
      warn,
      instance: () => this.#watcher.instance,
    });
    this.#logs.set(name, log);
    try {
      yield* log.read(signal);
    } finally {
      attached?.close();
    }
  }

  logNotes(key: AttemptKey): LogNotes {
    return this.#logs.get(this.#name(key))?.notes ?? { loss: null, commandError: null };
  }

  async stats(key: AttemptKey, containerId: string): Promise<ContainerStats | null> {
    try {
      const answer = await this.#client.json<StatsAnswer>({
        method: 'GET',
        path: `/containers/${containerId}/stats`,
        query: { stream: false, 'one-shot': true },
      });
      return readStats(answer, this.#watcher.isPaused(this.#name(key)));
    } catch (error) {
      if (error instanceof DockerError && (error.status === 404 || error.status === 409)) return null;
      throw error;
    }
  }

  async storageBytes(key: AttemptKey, containerId: string): Promise<number> {
    const inspect = await this.#client.json<ContainerInspect>({
      method: 'GET',
      path: `/containers/${containerId}/json`,
      query: { size: true },
    });
    return (inspect.SizeRw ?? 0) + (await this.#outputs.bytes(key));
  }

  outputs(key: AttemptKey, _containerId: string, limitBytes: number): Promise<Outputs> {
    return this.#outputs.collect(key, limitBytes);
  }

  async list(): Promise<readonly FoundContainer[]> {
    const { clusterId, workerId } = this.#options.owner;
    const summaries = await this.#client.json<readonly ContainerSummary[]>({
      method: 'GET',
      path: '/containers/json',
      query: {
        all: true,
        filters: JSON.stringify({ label: [`${LABELS.cluster}=${clusterId}`, `${LABELS.worker}=${workerId}`] }),
      },
    });
    const found = await Promise.all(
      summaries.map(async ({ Id }) => {
        const inspect = await this.#inspect(Id);
        return inspect === null ? null : this.#found(inspect);
      }),
    );
    return found.filter((one) => one !== null);
  }

  removeLeftovers(known: readonly AttemptKey[]): Promise<void> {
    return this.#outputs.removeOthers(known);
  }

  storagePath(): string | null {
    return this.#watcher.rootDirectory;
  }

  async close(): Promise<void> {
    await this.#watcher.close();
    this.#client.close();
  }

  #name(key: AttemptKey): string {
    return containerName(this.#options.owner, key);
  }

  /** `startedAt` is null for one whose process has not been started yet. */
  async #create(
    name: string,
    key: AttemptKey,
    spec: RunSpec,
    image: PreparedImage,
  ): Promise<Pick<FoundContainer, 'containerId' | 'startedAt'>> {
    const directory = await this.#outputs.create(key);
    const { owner, gpus } = this.#options;
    const body = containerCreate(owner, key, spec, image, directory, { gpus, cpus: this.#watcher.cpus });
    const create = async () => {
      const { Id } = await this.#client.json<{ Id: string }>({
        method: 'POST',
        path: '/containers/create',
        query: { name },
        body,
      });
      return { containerId: Id, startedAt: null };
    };
    try {
      return await create();
    } catch (error) {
      if (!(error instanceof DockerError)) throw startError(error);
      if (error.status === 409) return this.#adoptExisting(name, key, error);
      if (error.status === 404 && /no such image/i.test(error.message)) {
        // Removed since it was looked at.
        this.#images.forget();
        await this.#images.prepare(spec, () => {}, AbortSignal.timeout(STOP_ANSWER_MS));
        return create().catch((again: unknown) => {
          throw startError(again);
        });
      }
      // What Docker finds wrong with a request lies in what the task asked for, except how many CPUs there are.
      if (error.status === 400 && !/CPUs/.test(error.message)) {
        throw new RuntimeError('command_error', `Docker refused the container: ${error.message}`, { cause: error });
      }
      throw startError(error);
    }
  }

  /** Before the start, so that the first byte is seen. Without it the stored log has to do. */
  async #attach(containerId: string): Promise<AttachedLog | null> {
    try {
      const response = await this.#client.stream({
        method: 'POST',
        path: `/containers/${containerId}/attach`,
        query: { stream: true, stdout: true, stderr: true },
      });
      return new AttachedLog(response);
    } catch (error) {
      if (!(error instanceof DockerError)) throw error;
      this.#options.warn(`attaching to ${containerId.slice(0, 12)}: ${error.message}`);
      return null;
    }
  }

  /** The name is taken: by an earlier, interrupted start of this same attempt, or by something that is not ours. */
  async #adoptExisting(name: string, key: AttemptKey, conflict: DockerError): Promise<FoundContainer> {
    const found = await this.#ours(name, key);
    if (found !== null) return found;
    throw new RuntimeError('start_error', `the container name ${name} is taken: ${conflict.message}`, {
      cause: conflict,
    });
  }

  async #ours(name: string, key: AttemptKey): Promise<FoundContainer | null> {
    const inspect = await this.#inspect(name);
    const found = inspect === null ? null : this.#found(inspect);
    return found?.key.taskId === key.taskId && found.key.attempt === key.attempt ? found : null;
  }

  async #idOfOurs(name: string, key: AttemptKey): Promise<string | null> {
    return (await this.#ours(name, key))?.containerId ?? null;
  }

  async #startFailure(name: string, error: unknown): Promise<Error> {
    if (!(error instanceof DockerError)) return startError(error);
    // Unreachable: the error itself has to do.
    const inspect = await this.#inspect(name).catch(() => null);
    return startFailure(error, inspect?.State.ExitCode ?? 0);
  }

  #found(inspect: ContainerInspect): FoundContainer | null {
    const labels = inspect.Config.Labels ?? {};
    const { clusterId, workerId } = this.#options.owner;
    if (labels[LABELS.cluster] !== clusterId || labels[LABELS.worker] !== workerId) return null;
    const taskId = labels[LABELS.task];
    const attempt = Number(labels[LABELS.attempt]);
    const spec = labels[LABELS.spec];
    if (taskId === undefined || spec === undefined || !Number.isSafeInteger(attempt) || attempt < 1) return null;
    const name = this.#name({ taskId, attempt });
    if (inspect.Name !== `/${name}`) {
      this.#options.warn(`container ${inspect.Name} carries the labels of ${name}; it is not ours and left alone`);
      return null;
    }
    const { State: state } = inspect;
    this.#watcher.seen(name, state);
    this.#ids.set(name, inspect.Id);
    const digest = labels[LABELS.imageDigest];
    return {
      key: { taskId, attempt },
      containerId: inspect.Id,
      state: state.Paused
        ? 'paused'
        : state.Running
          ? 'running'
          : time(state.StartedAt) === null
            ? 'created'
            : 'exited',
      startedAt: time(state.StartedAt),
      spec: JSON.parse(spec) as RunSpec, // Written by this program, under a label that it owns.
      image: { imageId: inspect.Image, digest: digest === undefined || digest === '' ? null : digest },
    };
  }

  async #removeContainer(containerId: string): Promise<void> {
    const until = performance.now() + REMOVAL_MS;
    while (true) {
      try {
        await this.#client.status({
          method: 'DELETE',
          path: `/containers/${containerId}`,
          query: { force: true, v: true },
        });
        return;
      } catch (error) {
        if (!(error instanceof DockerError)) throw error;
        if (error.status === 404) return;
        // Another removal is under way, or the daemon is busy with it.
        if (performance.now() > until) throw error;
        await sleep(200);
      }
    }
  }

  /** The bridge without traffic between tasks; made once, kept for good. */
  async #ensureNetwork(): Promise<void> {
    try {
      await this.#client.status({
        method: 'POST',
        path: '/networks/create',
        body: {
          Name: NETWORK_NAME,
          CheckDuplicate: true,
          Driver: 'bridge',
          Options: { 'com.docker.network.bridge.enable_icc': 'false' },
          Labels: { 'ai.cloudai.network': 'tasks' },
        },
      });
      this.#networkError = null;
    } catch (error) {
      const exists = error instanceof DockerError && error.status === 409;
      this.#networkError = exists
        ? null
        : `Docker can not make the network "${NETWORK_NAME}": ${(error as Error).message}`;
    }
  }

  async #inspect(nameOrId: string): Promise<ContainerInspect | null> {
    try {
      return await this.#client.json<ContainerInspect>({ method: 'GET', path: `/containers/${nameOrId}/json` });
    } catch (error) {
      if (error instanceof DockerError && error.status === 404) return null;
      throw error;
    }
  }

  /** For calls whose aim may already be reached: the container is gone or does not run. */
  async #quietly(
    method: 'POST',
    path: string,
    more: { query?: Record<string, number>; timeoutMs?: number } = {},
  ): Promise<void> {
    try {
      await this.#client.status({ method, path, ...more });
    } catch (error) {
      if (error instanceof DockerError && (error.status === 404 || error.status === 409)) return;
      throw error;
    }
  }
}
