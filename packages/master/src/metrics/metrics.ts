/**
 * What Prometheus may ask of a master. The parts of the master know nothing of it: the loop and the REST server tell
 * figures to whoever listens, commits are read as they pass by, and everything that is a state is looked up when it is
 * asked for. No label names a task, and every label has few values: kinds of the engine, operations of the API, and
 * workers as far as there are not too many.
 */
import {
  type Attempt,
  type Change,
  type ClusterEvent,
  type EventKind,
  placementPolicies,
  type Task,
} from '@cloudai/engine';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { MasterContext } from '../context.ts';
import type { BatchFigures } from '../loop.ts';
import { clusterNow } from '../telemetry/index.ts';
import { Tally } from './tally.ts';

/** Beyond so many workers the series of single workers are left out; sums go on. */
export const MOST_WORKER_SERIES = 1_000;
const FAST_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const WAIT_SECONDS = [0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];
const SIZES = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
const LIVE_STATES = ['pending', 'queued', 'assigned', 'running'] as const;
/** Whoever else plans is `external`: names of agents are not bounded. */
const POLICIES: ReadonlySet<string> = new Set(placementPolicies().map(({ name }) => name));
/** An attempt whose row changes after its end does so within moments. */
const MOST_ENDED_LATELY = 10_000;

/** What is looked up when somebody asks, beside the context. */
export interface MetricsSources {
  /** Workers with an open session. */
  sessions(): number;
  watches(): number;
  streams(): number;
  logBytes(): { readonly received: number; readonly read: number };
  /** Of the file of the telemetry; 0 where none is kept. */
  telemetryBytes(): Promise<number>;
  /** To read the store and take the lead. */
  readonly recoverySeconds: number;
}

/** Of the library's own metrics those whose names say what they are not: `promtool` complains of them. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_utilization_histogram',
  'nodejs_eventloop_utilization_summary',
];

export class MasterMetrics {
  readonly registry = new Registry();
  readonly #submitted = this.#counter('cloudai_tasks_submitted_total', 'Tasks that were submitted.');
  readonly #queued = this.#counter('cloudai_tasks_queued_total', 'Times that a task entered the queue.');
  readonly #started = this.#counter('cloudai_tasks_started_total', 'Attempts whose process began to run.');
  readonly #retried = this.#counter('cloudai_tasks_retried_total', 'Attempts that are followed by another one.');
  readonly #ended = this.#counter('cloudai_tasks_ended_total', 'Tasks that ended, by state and reason.', [
    'state',
    'reason',
  ]);
  readonly #attempts = this.#counter('cloudai_attempts_ended_total', 'Attempts that ended, by state and reason.', [
    'state',
    'reason',
  ]);
  readonly #placements = this.#counter('cloudai_placements_total', 'Tasks that were placed, by policy.', ['policy']);
  readonly #stale = this.#counter(
    'cloudai_stale_results_total',
    'Results of attempts that had been given up; they change nothing.',
  );
  readonly #heartbeats = this.#counter('cloudai_worker_heartbeats_total', 'Heartbeats with measurements.');
  readonly #lost = this.#counter('cloudai_workers_lost_total', 'Times that a worker was given up.');
  readonly #reconnects = this.#counter('cloudai_worker_sessions_total', 'Sessions that workers began.');
  readonly #requests = this.#counter('cloudai_http_requests_total', 'Requests by operation and class of status.', [
    'operation',
    'class',
  ]);
  readonly #queueWait = this.#histogram('cloudai_task_queue_wait_seconds', 'From the queue to a worker.', WAIT_SECONDS);
  readonly #run = this.#histogram('cloudai_task_run_seconds', 'Run time of attempts that ended.', WAIT_SECONDS);
  readonly #decision = this.#histogram(
    'cloudai_decision_seconds',
    'Time of a step of the engine that placed tasks or looked for due ones.',
    FAST_SECONDS,
  );
  readonly #commit = this.#histogram('cloudai_commit_seconds', 'Time until a batch was durable.', FAST_SECONDS);
  readonly #changes = this.#histogram('cloudai_commit_changes', 'Rows in a batch.', SIZES);
  readonly #commands = this.#histogram('cloudai_batch_commands', 'Commands in a batch.', SIZES);
  readonly #duration = this.#histogram(
    'cloudai_http_request_duration_seconds',
    'Time of a request, by operation; streams are left out.',
    REQUEST_SECONDS,
    ['operation'],
  );
  readonly #endedLately = new Set<string>();
  readonly #eventCounters: Partial<Record<EventKind, { inc(): void }>>;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
    this.#eventCounters = {
      task_submitted: this.#submitted,
      task_queued: this.#queued,
      task_running: this.#started,
      task_retrying: this.#retried,
      late_result: this.#stale,
      worker_lost: this.#lost,
      worker_connected: this.#reconnects,
    };
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  // ---- what is told -------------------------------------------------------------------------------

  onBatch({ commands, changes, decisionsMs, commitMs }: BatchFigures): void {
    this.#commands.observe(commands);
    for (const ms of decisionsMs) this.#decision.observe(ms / 1000);
    if (commitMs === null) return;
    this.#commit.observe(commitMs / 1000);
    this.#changes.observe(changes);
  }

  onCommitted(changes: readonly Change[]): void {
    const tasks = new Map<string, Task>();
    for (const change of changes) if (change.kind === 'task') tasks.set(change.row.id, change.row);
    for (const change of changes) {
      if (change.kind === 'event') this.#onEvent(change.row, tasks);
      else if (change.kind === 'attempt' && change.row.endedAt !== null) this.#onAttemptEnded(change.row);
    }
  }

  onHeartbeat(): void {
    this.#heartbeats.inc();
  }

  /** `seconds` null: a stream, whose time says how long its reader stayed. */
  onRequest(operation: string, status: number, seconds: number | null): void {
    this.#requests.inc(operation, `${Math.floor(status / 100)}xx`);
    if (seconds !== null) this.#duration.observe({ operation }, seconds);
  }

  // ---- what is looked up --------------------------------------------------------------------------

  /** Once, when the master is whole: everything that is a state and not a count. */
  observe(context: MasterContext, sources: MetricsSources): void {
    const { loop, usage, telemetry, now } = context;
    const gauge = this.#gauge.bind(this);
    gauge('cloudai_build_info', 'Version of the master; always 1.', ['version']).set({ version: context.version }, 1);
    gauge('cloudai_master_start_time_seconds', 'When this master began, Unix time.').set(context.startedAt / 1000);
    gauge('cloudai_master_recovery_seconds', 'Time to read the store and take the lead.').set(sources.recoverySeconds);
    this.#looked('cloudai_master_epoch', 'Starts of the master of this cluster.', () => loop.engine.cluster().epoch);
    this.#looked('cloudai_event_loop_lag_seconds', 'Longest delay of late.', () => loop.lagMs() / 1000);
    this.#looked('cloudai_store_full', '1 while the disk is full and submits are refused.', () => +loop.storeFull());
    this.#looked('cloudai_worker_connections', 'Workers with an open session.', sources.sessions);
    this.#looked('cloudai_watch_connections', 'Open WebSocket connections.', sources.watches);
    this.#looked('cloudai_streams', 'Open log streams.', sources.streams);
    this.#looked('cloudai_telemetry_size_bytes', 'Size of the file of old measurements.', sources.telemetryBytes);
    this.#looked('cloudai_store_size_bytes', 'Size of the store.', async () => (await context.store.info()).sizeBytes);
    this.#grown('cloudai_log_received_bytes_total', 'Log bytes that workers sent.', () => sources.logBytes().received);
    this.#grown('cloudai_log_read_bytes_total', 'Log bytes that were read for users.', () => sources.logBytes().read);

    // The first of its group: a scrape asks in this order, and its `collect` sets the others before their turn.
    const depth = gauge('cloudai_queue_depth', 'Queued tasks.');
    const tasks = gauge('cloudai_tasks', 'Tasks that have not ended, by state.', ['state']);
    const workers = gauge('cloudai_workers', 'Workers, by state.', ['state']);
    const oldest = gauge('cloudai_queue_oldest_wait_seconds', 'Wait of the queued task that waits longest.');
    const capacity = this.#resources('capacity', 'of active workers');
    const allocated = this.#resources('allocated', 'held by reservations');
    const used = this.#resources('used', 'in use, as measured');
    // One look at the workers for all of them.
    depth.collect = () => {
      const counts = loop.engine.counts();
      for (const state of LIVE_STATES) tasks.set({ state }, counts[state]);
      depth.set(counts.queued);
      oldest.set(telemetry.oldestWaitMs / 1000);
      const byState: Record<string, number> = { registered: 0, active: 0, suspect: 0, lost: 0 };
      for (const { state } of loop.engine.workers()) if (state in byState) byState[state]! += 1;
      for (const [state, count] of Object.entries(byState)) workers.set({ state }, count);
      const sums = clusterNow(loop.engine, (id) => usage.worker(id), now());
      for (const [kind, gauges] of [
        ['Total', capacity],
        ['Allocated', allocated],
        ['Used', used],
      ] as const) {
        gauges.cpu.set(sums[`cpuMillis${kind}`] / 1000);
        gauges.memory.set(sums[`memoryBytes${kind}`]);
        gauges.storage.set(sums[`storageBytes${kind}`]);
        gauges.gpu.set(sums[`gpuMillis${kind}`] / 1000);
      }
    };
    this.#observeWorkers(context);
  }

  #observeWorkers({ loop, usage }: MasterContext): void {
    const labels = ['worker'] as const;
    const up = this.#gauge('cloudai_worker_up', '1 while the worker is active.', labels);
    const cpu = this.#gauge('cloudai_worker_cpu_usage_ratio', 'Share of its CPU that is busy, 0 to 1.', labels);
    const memory = this.#gauge('cloudai_worker_memory_used_bytes', 'Memory in use on its machine.', labels);
    const memoryTotal = this.#gauge('cloudai_worker_memory_capacity_bytes', 'Memory that it offers.', labels);
    const storage = this.#gauge('cloudai_worker_storage_used_bytes', 'Used on its disk.', labels);
    const gpu = this.#gauge('cloudai_worker_gpu_usage_ratio', 'Share of its GPUs that is busy, 0 to 1.', labels);
    const running = this.#gauge('cloudai_worker_attempts', 'Attempts that hold resources there.', labels);
    const allocated = this.#gauge('cloudai_worker_allocated_cpu_cores', 'CPU held by reservations there.', labels);
    const all = [up, cpu, memory, memoryTotal, storage, gpu, running, allocated];
    up.collect = () => {
      for (const each of all) each.reset();
      const workers = loop.engine.workers().filter(({ state }) => state !== 'revoked');
      if (workers.length > MOST_WORKER_SERIES) return;
      for (const { id: worker, state, capacity } of workers) {
        up.set({ worker }, state === 'active' ? 1 : 0);
        running.set({ worker }, loop.engine.liveAttempts(worker).length);
        allocated.set({ worker }, (loop.engine.allocated(worker)?.cpuMillis ?? 0) / 1000);
        if (capacity !== null) memoryTotal.set({ worker }, capacity.resources.memoryBytes);
        const measured = state === 'active' ? usage.worker(worker) : null;
        if (measured === null) continue;
        cpu.set({ worker }, measured.cpu);
        memory.set({ worker }, measured.memoryBytes);
        storage.set({ worker }, measured.storageBytes);
        gpu.set({ worker }, measured.gpu);
      }
    };
  }

  #onEvent(event: ClusterEvent, tasks: ReadonlyMap<string, Task>): void {
    this.#eventCounters[event.kind]?.inc();
    const task = event.taskId === null ? undefined : tasks.get(event.taskId);
    switch (event.kind) {
      case 'task_assigned':
        this.#placements.inc(POLICIES.has(event.message ?? '') ? event.message! : 'external');
        if (task?.queuedAt != null) this.#queueWait.observe(Math.max(0, event.at - task.queuedAt) / 1000);
        break;
      case 'task_completed':
      case 'task_failed':
      case 'task_cancelled':
        this.#ended.inc(event.kind.slice('task_'.length), task?.reason ?? 'unknown');
        break;
      default:
    }
  }

  /** An ended row can change once more; it counts once. */
  #onAttemptEnded({ taskId, number, state, reason, result }: Attempt): void {
    const key = `${taskId}/${number}`;
    if (this.#endedLately.has(key)) return;
    this.#endedLately.add(key);
    if (this.#endedLately.size > MOST_ENDED_LATELY)
      for (const oldest of this.#endedLately) {
        this.#endedLately.delete(oldest);
        break;
      }
    this.#attempts.inc(state, reason ?? 'unknown');
    if (result?.startedAt != null) this.#run.observe(Math.max(0, result.endedAt - result.startedAt) / 1000);
  }

  // ---- making ------------------------------------------------------------------------------------

  #counter(name: string, help: string, labelNames: readonly string[] = []): Tally {
    return new Tally(this.registry, name, help, labelNames);
  }

  #gauge<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) {
    const gauge = new Gauge<Label>({ name, help, labelNames: [...labelNames], registers: [this.registry] });
    return gauge as Gauge<Label> & { collect?: () => void };
  }

  #histogram<Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly Label[] = [],
  ) {
    return new Histogram<Label>({ name, help, buckets, labelNames: [...labelNames], registers: [this.registry] });
  }

  #looked(name: string, help: string, look: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      async collect() {
        this.set(await look());
      },
    });
  }

  /** A count that somebody else keeps. */
  #grown(name: string, help: string, look: () => number): void {
    let told = 0;
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        const now = look();
        this.inc(Math.max(0, now - told));
        told = now;
      },
    });
  }

  #resources(kind: string, what: string) {
    return {
      cpu: this.#gauge(`cloudai_${kind}_cpu_cores`, `CPU ${what}.`),
      memory: this.#gauge(`cloudai_${kind}_memory_bytes`, `Memory ${what}.`),
      storage: this.#gauge(`cloudai_${kind}_storage_bytes`, `Storage ${what}.`),
      gpu: this.#gauge(`cloudai_${kind}_gpus`, `GPUs ${what}.`),
    };
  }
}
