/**
 * What Prometheus may ask of a worker. Off unless it is asked for; no label names a task. Pull, start and run times, ends
 * and errors come from the runners as they happen, everything that is a state is looked up at the scrape.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { AttemptResult } from './core/attempt.ts';
import type { Phase, Used, WorkerObserver } from './observer.ts';
import type { MachineUsage } from './telemetry.ts';

/** Of the library's own metrics those whose names say what they are not: `promtool` complains of them. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_utilization_histogram',
  'nodejs_eventloop_utilization_summary',
];

const SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];
const BYTES = Array.from({ length: 12 }, (_, power) => 2 ** (20 + 2 * power)).filter((bytes) => bytes <= 2 ** 40);
const PHASES = ['starting', 'running', 'stopping', 'ended'] as const;

export interface WorkerMetricsSources {
  readonly version: string;
  isConnected(): boolean;
  isHealthy(): boolean;
  usage(): MachineUsage | null;
  /** Of every attempt that is here. */
  phases(): readonly string[];
}

export class WorkerMetrics implements WorkerObserver {
  readonly registry = new Registry();
  readonly #phase: Readonly<Record<Phase['name'], Histogram>>;
  readonly #errors = this.#counter('cloudai_worker_errors_total', 'Pulls and starts that failed, by phase.', ['phase']);
  readonly #ends = this.#counter('cloudai_worker_attempts_ended_total', 'Attempts that ended here, by reason.', [
    'reason',
  ]);
  readonly #starts = this.#counter('cloudai_worker_attempts_started_total', 'Containers that were started.');
  readonly #cpu = this.#counter('cloudai_worker_attempts_cpu_seconds_total', 'CPU time of all attempts.');
  readonly #rx = this.#counter('cloudai_worker_attempts_network_received_bytes_total', 'Received by attempts.');
  readonly #tx = this.#counter('cloudai_worker_attempts_network_sent_bytes_total', 'Sent by attempts.');
  readonly #read = this.#counter('cloudai_worker_attempts_disk_read_bytes_total', 'Read from disks by attempts.');
  readonly #written = this.#counter(
    'cloudai_worker_attempts_disk_written_bytes_total',
    'Written to disks by attempts.',
  );
  readonly #memory = new Histogram({
    name: 'cloudai_worker_attempt_memory_peak_bytes',
    help: 'Highest memory use of attempts that ended.',
    buckets: BYTES,
    registers: [this.registry],
  });
  readonly #heartbeats = this.#counter('cloudai_worker_heartbeats_sent_total', 'Heartbeats that were sent.');
  readonly #roundTrip = new Histogram({
    name: 'cloudai_worker_heartbeat_seconds',
    help: 'From a heartbeat to its acknowledgement by the master.',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15],
    registers: [this.registry],
  });
  readonly #acknowledged = this.#gauge(
    'cloudai_worker_last_heartbeat_timestamp_seconds',
    'When the master last acknowledged a heartbeat, Unix time.',
  );

  constructor(sources: WorkerMetricsSources) {
    collectDefaultMetrics({ register: this.registry });
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
    const duration = (name: string, help: string) =>
      new Histogram({ name, help, buckets: SECONDS, registers: [this.registry] });
    this.#phase = {
      pull: duration('cloudai_worker_image_pull_seconds', 'Time until an image was there; it may have been already.'),
      create: duration('cloudai_worker_container_create_seconds', 'Time to make a container.'),
      start: duration('cloudai_worker_container_start_seconds', 'Time to start it.'),
      run: duration('cloudai_worker_attempt_run_seconds', 'Run time of processes.'),
      report: duration('cloudai_worker_report_seconds', 'From the end of a process until the master has all of it.'),
    };
    this.#observe(sources);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  onPhase({ name, startedAt, endedAt, error }: Phase): void {
    this.#phase[name].observe(Math.max(0, endedAt - startedAt) / 1000);
    if (error !== null) this.#errors.inc({ phase: name });
    else if (name === 'start') this.#starts.inc();
  }

  onEnded({ reason, peakMemoryBytes }: AttemptResult): void {
    this.#ends.inc({ reason });
    if (peakMemoryBytes !== null) this.#memory.observe(peakMemoryBytes);
  }

  onUsed({ cpuMicros, networkRxBytes, networkTxBytes, diskReadBytes, diskWriteBytes }: Used): void {
    this.#cpu.inc(cpuMicros / 1e6);
    this.#rx.inc(networkRxBytes);
    this.#tx.inc(networkTxBytes);
    this.#read.inc(diskReadBytes);
    this.#written.inc(diskWriteBytes);
  }

  /** Null: it was sent; a number: it was acknowledged after so long. */
  onHeartbeat(roundTripMs: number | null): void {
    if (roundTripMs === null) {
      this.#heartbeats.inc();
      return;
    }
    this.#roundTrip.observe(roundTripMs / 1000);
    this.#acknowledged.setToCurrentTime();
  }

  #observe({ version, isConnected, isHealthy, usage, phases }: WorkerMetricsSources): void {
    this.#gauge('cloudai_worker_build_info', 'Version of the worker; always 1.', ['version']).set({ version }, 1);
    this.#looked('cloudai_worker_connected', '1 while the master has it in a session.', () => +isConnected());
    this.#looked('cloudai_worker_healthy', '1 while tasks can run here.', () => +isHealthy());
    const machine = (name: string, help: string, of: (usage: MachineUsage) => number) =>
      this.#looked(`cloudai_worker_machine_${name}`, help, () => {
        const now = usage();
        return now === null ? Number.NaN : of(now);
      });
    machine('cpu_usage_ratio', 'Busy share of the CPU of the machine, 0 to 1.', ({ cpu }) => cpu);
    machine('memory_used_bytes', 'Used, without caches.', ({ memoryBytes }) => memoryBytes);
    machine('storage_used_bytes', 'Used on the disk of the containers.', ({ storageBytes }) => storageBytes);
    machine('storage_free_bytes', 'Left on that disk.', ({ storageFreeBytes }) => storageFreeBytes);
    machine('gpu_usage_ratio', 'Busy share of the GPUs, 0 to 1.', ({ gpu }) => gpu);
    const attempts = this.#gauge('cloudai_worker_attempts_here', 'Attempts that are here, by phase.', ['phase']);
    Object.assign(attempts, {
      collect: () => {
        const counts = new Map<string, number>(PHASES.map((phase) => [phase, 0]));
        for (const phase of phases()) counts.set(phase, (counts.get(phase) ?? 0) + 1);
        for (const [phase, count] of counts) attempts.set({ phase }, count);
      },
    });
  }

  #looked(name: string, help: string, look: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(look());
      },
    });
  }

  #gauge<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) {
    return new Gauge<Label>({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  #counter<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) {
    return new Counter<Label>({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }
}
