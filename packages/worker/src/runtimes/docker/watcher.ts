/**
 * Sees what happens to this worker's containers: one stream of the daemon's events for all of them, instead of a waiting
 * call per container. An event stream can break (the daemon is restarted) and the daemon drops events for a reader that
 * is too slow, so after every connect, and at intervals, the list of containers is compared with what is believed.
 */
import { stat } from 'node:fs/promises';
import type http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerExit } from '../../core/classify.ts';
import { type ContainerInspect, type ContainerState, type ContainerSummary, time } from './answers.ts';
import { type DockerClient, DockerError } from './client.ts';
import {
  type ContainerHistory,
  type DaemonHistory,
  judgeEnd,
  type Kill,
  type ObservedEnd,
  removedEnd,
  SIGKILL,
} from './container-end.ts';
import { type DockerOwner, LABELS } from './host-config.ts';

const RECONNECT_FIRST_MS = 100;
/** Short, because the time of the last failure bounds what the daemon can have seen. */
const RECONNECT_MAX_MS = 500;
const COMPARE_MS = 10_000;
const CONNECTION_ENDED = 'Docker ended the connection; is it being restarted?';
/** The daemon may tell of a kill for memory after it told of the end. */
const OOM_LATE_MS = 200;
/** Events older than this process, which the daemon keeps for a while, tell how adopted containers came to their end. */
const ALL_KEPT_EVENTS = 1;
/** How many the daemon keeps. */
const KEPT_EVENTS = 256;
const NEWLINE = 0x0a;
const MAX_LINE_BYTES = 4 * 2 ** 20;

interface DockerEvent {
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly timeNano: number;
}

interface Watched extends ContainerHistory {
  readonly name: string;
  isFound: boolean;
  startedAt: number | null;
  ours: boolean;
  onStarted: (() => void) | null;
  oom: boolean;
  paused: boolean;
  kills: Kill[];
  died: { readonly exitCode: number; readonly at: number } | null;
  settling: boolean;
  exit: ContainerExit | null;
  onExit: ((exit: ContainerExit) => void)[];
}

export interface WatcherOptions {
  readonly warn: (text: string) => void;
  /** Called after each connect, with the daemon's settings fresh. */
  readonly onConnect: () => Promise<void>;
  /** The connection came or went. */
  readonly onChange: () => void;
}

export class Watcher {
  readonly #client: DockerClient;
  readonly #filters: Readonly<Record<string, readonly string[]>>;
  readonly #options: WatcherOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #closed = new AbortController();
  #instance = 0;
  #connected = false;
  #error: string | null = null;
  readonly #daemon: { -readonly [K in keyof DaemonHistory]: DaemonHistory[K] } = {
    liveRestore: false,
    outage: null,
    knowsAllEvents: false,
    since: null,
  };
  #lastEventSeconds = 0;
  #rootDirectory: string | null = null;
  #cpus = Number.POSITIVE_INFINITY;
  #loop: Promise<void> | null = null;
  #firstTry: Promise<void> | null = null;

  constructor(client: DockerClient, owner: DockerOwner, options: WatcherOptions) {
    this.#client = client;
    this.#options = options;
    this.#filters = { label: [`${LABELS.cluster}=${owner.clusterId}`, `${LABELS.worker}=${owner.workerId}`] };
  }

  /** Resolves after the first try to connect, whatever came of it; goes on trying. */
  open(): Promise<void> {
    this.#firstTry ??= new Promise((tried) => {
      this.#loop = this.#run(tried);
    });
    return this.#firstTry;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#loop;
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  /** Where the daemon keeps images and containers. */
  get rootDirectory(): string | null {
    return this.#rootDirectory;
  }

  get cpus(): number {
    return this.#cpus;
  }

  get error(): string | null {
    return this.#error;
  }

  /** Grows with every connect to the daemon's events. */
  get instance(): number {
    return this.#instance;
  }

  isPaused(name: string): boolean {
    return this.#watched.get(name)?.paused ?? false;
  }

  hasExited(name: string): boolean {
    return this.#watched.get(name)?.exit != null || this.#watched.get(name)?.died != null;
  }

  /** What follows is our doing. */
  expectEnd(name: string): void {
    this.#of(name).ours = true;
  }

  forget(name: string): void {
    this.#watched.delete(name);
  }

  /** When the container started, as the daemon's event says; null when no event came within the time. */
  async startedAt(name: string, withinMs: number): Promise<number | null> {
    const watched = this.#of(name);
    if (watched.startedAt === null && this.#connected) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, withinMs);
      watched.onStarted = resolve;
      await promise;
      clearTimeout(timer);
      watched.onStarted = null;
    }
    return watched.startedAt;
  }

  /** Tells what was found by looking, for a container that started before this process did. */
  seen(name: string, state: ContainerState): void {
    const watched = this.#of(name);
    watched.isFound ||= watched.startedAt === null;
    watched.startedAt ??= time(state.StartedAt);
    watched.paused = state.Paused;
  }

  /** Resolves with the container's end. `look` says that it may have ended before anything was watched. */
  async exit(name: string, look: boolean, signal: AbortSignal): Promise<ContainerExit> {
    const watched = this.#of(name);
    if (watched.exit !== null) return watched.exit;
    signal.throwIfAborted();
    const exit = new Promise<ContainerExit>((resolve, reject) => {
      watched.onExit.push(resolve);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    if (watched.died !== null) void this.#settleByEvent(watched);
    else if (look) void this.#look(watched);
    return exit;
  }

  #of(name: string): Watched {
    let watched = this.#watched.get(name);
    if (watched === undefined) {
      watched = {
        name,
        isFound: false,
        startedAt: null,
        onStarted: null,
        ours: false,
        oom: false,
        paused: false,
        kills: [],
        died: null,
        settling: false,
        exit: null,
        onExit: [],
      };
      this.#watched.set(name, watched);
    }
    return watched;
  }

  async #run(tried: () => void): Promise<void> {
    let delayMs = RECONNECT_FIRST_MS;
    while (!this.#closed.signal.aborted) {
      const triedAt = Date.now();
      try {
        const stream = await this.#connect();
        delayMs = RECONNECT_FIRST_MS;
        tried();
        await this.#follow(stream);
        this.#error = CONNECTION_ENDED;
      } catch (error) {
        this.#error = this.#connected ? CONNECTION_ENDED : (error as Error).message;
        if (this.#daemon.outage !== null && !this.#connected && nobodyListens(error))
          this.#daemon.outage.awayUntil = triedAt;
      }
      if (this.#connected) {
        const now = Date.now();
        this.#daemon.outage = { since: now, awayUntil: now, backAt: Number.POSITIVE_INFINITY };
        this.#connected = false;
        if (!this.#closed.signal.aborted) this.#options.onChange();
      }
      tried();
      await sleep(delayMs, undefined, { signal: this.#closed.signal }).catch(() => {}); // Closed while waiting.
      delayMs = Math.min(delayMs * 2, RECONNECT_MAX_MS);
    }
    tried();
  }

  async #connect(): Promise<http.IncomingMessage> {
    const { LiveRestoreEnabled, DockerRootDir, NCPU } = await this.#client.json<{
      LiveRestoreEnabled?: boolean;
      DockerRootDir?: string;
      NCPU?: number;
    }>({ method: 'GET', path: '/info' });
    this.#daemon.liveRestore = LiveRestoreEnabled === true;
    this.#rootDirectory = DockerRootDir ?? null;
    this.#cpus = NCPU ?? Number.POSITIVE_INFINITY;
    const stream = await this.#client.stream({
      method: 'GET',
      path: '/events',
      query: {
        since: this.#instance === 0 ? ALL_KEPT_EVENTS : this.#lastEventSeconds,
        filters: JSON.stringify({
          ...this.#filters,
          type: ['container'],
          event: ['start', 'die', 'oom', 'kill', 'pause', 'unpause', 'destroy'],
        }),
      },
      signal: this.#closed.signal,
    });
    this.#instance += 1;
    if (this.#instance === 1) await this.#learnHistory();
    if (this.#daemon.outage !== null) this.#daemon.outage.backAt = Math.min(this.#daemon.outage.backAt, Date.now());
    await this.#options.onConnect();
    this.#connected = true;
    this.#error = null;
    this.#options.onChange();
    return stream;
  }

  /** For containers that were found: whether the daemon that reports their end is the one that saw it. */
  async #learnHistory(): Promise<void> {
    // Not a moment in the future: the daemon would wait for it.
    const until = (Date.now() / 1000).toFixed(3);
    const response = await this.#client.stream({
      method: 'GET',
      path: '/events',
      query: { since: ALL_KEPT_EVENTS, until },
      signal: this.#closed.signal,
    });
    let events = 0;
    for await (const bytes of response) events += (bytes as Buffer).filter((byte) => byte === NEWLINE).length;
    this.#daemon.knowsAllEvents = events < KEPT_EVENTS;
    this.#daemon.since = await stat(this.#client.socketPath).then(
      ({ ctimeMs }) => Math.floor(ctimeMs),
      () => null, // Gone again; the loop will notice.
    );
  }

  async #follow(stream: http.IncomingMessage): Promise<void> {
    void this.#compare();
    const timer = setInterval(() => void this.#compare(), COMPARE_MS);
    try {
      let rest = '';
      for await (const bytes of stream) {
        const lines = (rest + (bytes as Buffer).toString('utf8')).split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > MAX_LINE_BYTES) throw new Error('an event of Docker is longer than any event should be');
        for (const line of lines) if (line !== '') this.#onEvent(JSON.parse(line) as DockerEvent);
      }
    } finally {
      clearInterval(timer);
      stream.destroy();
    }
  }

  #onEvent(event: DockerEvent): void {
    const { name, exitCode, signal } = event.Actor.Attributes;
    if (name === undefined) return;
    const at = Math.floor(event.timeNano / 1e6);
    this.#lastEventSeconds = Math.max(this.#lastEventSeconds, Math.floor(at / 1000));
    const watched = this.#of(name);
    switch (event.Action) {
      case 'start':
        if (watched.exit !== null || watched.died !== null) {
          this.#startedAgain(watched, at);
          return;
        }
        watched.startedAt ??= at;
        watched.onStarted?.();
        return;
      case 'oom':
        watched.oom = true;
        return;
      case 'kill':
        if (!watched.ours) watched.kills.push({ signal: Number(signal), at });
        return;
      case 'pause':
      case 'unpause':
        watched.paused = event.Action === 'pause';
        return;
      case 'die':
        // History that is told again after a reconnect.
        if (watched.died !== null || (watched.startedAt !== null && at < watched.startedAt)) return;
        watched.died = { exitCode: Number(exitCode), at };
        if (watched.onExit.length > 0) void this.#settleByEvent(watched);
        return;
      case 'destroy':
        if (watched.onExit.length > 0 && watched.died === null) this.#settle(watched, removedEnd(watched, at));
        else if (watched.onExit.length === 0) this.#watched.delete(name);
        return;
    }
  }

  /** Somebody restarted a container that had ended; one attempt has one process. */
  #startedAgain(watched: Watched, at: number): void {
    if (watched.startedAt !== null && at <= watched.startedAt) return;
    this.#options.warn(`container ${watched.name} was started again from outside; it is stopped`);
    this.#client.status({ method: 'POST', path: `/containers/${watched.name}/kill` }).catch((error: unknown) => {
      // Already dead or removed; if it is neither, removing it later kills it.
      this.#options.warn(`container ${watched.name}: ${(error as Error).message}`);
    });
  }

  /** A clean end needs no second look; after any other the daemon is asked whether memory was the cause. */
  async #settleByEvent(watched: Watched): Promise<void> {
    const { died } = watched;
    if (died === null || watched.exit !== null || watched.settling) return;
    watched.settling = true;
    let oomKilled = watched.oom;
    if (died.exitCode !== 0 && !watched.ours && !oomKilled) {
      oomKilled = await this.#wasOomKilled(watched.name);
      if (!oomKilled && died.exitCode === 128 + SIGKILL && watched.kills.length === 0) {
        await sleep(OOM_LATE_MS);
        oomKilled = watched.oom || (await this.#wasOomKilled(watched.name));
      }
    }
    this.#settleAs(watched, { exitCode: died.exitCode, oomKilled, endedAt: died.at, error: '', wasSeen: true });
  }

  async #wasOomKilled(name: string): Promise<boolean> {
    const inspect = await this.#inspect(name).catch(() => null); // Unreachable now: the event is all there is.
    return inspect?.State.OOMKilled ?? false;
  }

  /** Compares what is believed to run with what the daemon lists. */
  async #compare(): Promise<void> {
    const waiting = [...this.#watched.values()].filter((watched) => watched.onExit.length > 0 && watched.exit === null);
    if (waiting.length === 0) return;
    try {
      const list = await this.#client.json<readonly ContainerSummary[]>({
        method: 'GET',
        path: '/containers/json',
        query: { all: true, filters: JSON.stringify(this.#filters) },
      });
      const states = new Map(list.flatMap(({ Names, State }) => Names.map((name) => [name.slice(1), State] as const)));
      for (const watched of waiting) {
        const state = states.get(watched.name);
        if (state !== 'running' && state !== 'paused') await this.#look(watched);
      }
    } catch (error) {
      // The daemon is away; the loop reconnects and compares again.
      this.#options.warn(`comparing containers: ${(error as Error).message}`);
    }
  }

  /** Looks at one container and settles its end if it has ended. */
  async #look(watched: Watched): Promise<void> {
    try {
      const inspect = await this.#inspect(watched.name);
      if (watched.exit !== null || watched.settling) return;
      if (inspect === null) return this.#settle(watched, removedEnd(watched, Date.now()));
      const { State: state } = inspect;
      this.seen(watched.name, state);
      if (state.Running || state.Status === 'created') return;
      const endedAt = time(state.FinishedAt) ?? Date.now();
      watched.startedAt = time(state.StartedAt) ?? watched.startedAt;
      this.#settleAs(watched, {
        exitCode: state.ExitCode,
        oomKilled: state.OOMKilled,
        endedAt,
        error: state.Error,
        wasSeen: watched.died !== null,
      });
    } catch (error) {
      this.#options.warn(`looking at container ${watched.name}: ${(error as Error).message}`); // The next compare looks again.
    }
  }

  #settleAs(watched: Watched, end: ObservedEnd): void {
    this.#settle(watched, judgeEnd(watched, this.#daemon, end));
  }

  #settle(watched: Watched, exit: ContainerExit): void {
    if (watched.exit !== null) return;
    watched.exit = exit;
    for (const resolve of watched.onExit) resolve(exit);
    watched.onExit = [];
  }

  async #inspect(name: string): Promise<ContainerInspect | null> {
    try {
      return await this.#client.json<ContainerInspect>({ method: 'GET', path: `/containers/${name}/json` });
    } catch (error) {
      if (error instanceof DockerError && error.status === 404) return null;
      throw error;
    }
  }
}

function nobodyListens(error: unknown): boolean {
  const code = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ENOENT';
}
