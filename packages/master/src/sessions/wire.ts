/**
 * Protobuf ↔ the engine's types. What comes from a worker is checked and bounded here, once; text for people is cut
 * to size, everything else that is out of bounds is refused.
 */

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { workerWire as wire } from '@cloudai/api';
import type {
  Artifact,
  AttemptResult,
  ConnectWorker,
  EndReason,
  FoundAttempt,
  GpuDevice,
  ReportAttempt,
  Resources,
  StartAttempt,
  TaskSpec,
} from '@cloudai/engine';
import type { AttemptUsage, WorkerUsage } from '../context.ts';
import type { LogChunk } from '../logs/log-file.ts';

/** A message that no worker of ours sends. */
export class WireError extends Error {}

export interface AttemptKey {
  readonly taskId: string;
  readonly attempt: number;
}

const MOST_FOUND = 10_000;
const MOST_ARTIFACTS = 10_000;
const MOST_GPUS = 256;
const MOST_LABELS = 256;
const MOST_CUSTOM = 256;
const TEXT_CHARS = 4_096;
const NAME_CHARS = 256;
const PATH_CHARS = 4_096;

// ---- up -------------------------------------------------------------------------------------------

export function readHello(
  hello: wire.Hello,
  peer: { readonly certificateSerial: string; readonly remoteAddress: string | null },
): ConnectWorker {
  if (hello.capacity === undefined) throw new WireError('hello without a capacity');
  return {
    kind: 'connectWorker',
    workerId: hello.workerId,
    certificateSerial: peer.certificateSerial,
    incarnation: name(hello.incarnation, 'hello.incarnation'),
    version: name(hello.version, 'hello.version'),
    remoteAddress: peer.remoteAddress,
    capacity: {
      resources: readResources(hello.capacity, 'hello.capacity'),
      gpus: atMost(hello.gpus, MOST_GPUS, 'hello.gpus').map(readGpu),
    },
    labels: readLabels(hello.labels, 'hello.labels'),
    found: atMost(hello.found, MOST_FOUND, 'hello.found').map(readFound),
    unhealthy: optionalText(hello.unhealthy),
  };
}

function readFound(found: wire.FoundAttempt): FoundAttempt {
  return {
    ...readKey(found.key, 'hello.found'),
    phase: oneOf(found.phase, ['starting', 'running', 'stopping', 'ended'], 'hello.found.phase'),
    startedAt: optionalCount(found.startedAt, 'hello.found.started_at'),
  };
}

function readGpu(gpu: wire.GpuDevice): GpuDevice {
  return {
    index: gpu.index,
    uuid: name(gpu.uuid, 'hello.gpus.uuid'),
    model: name(gpu.model, 'hello.gpus.model'),
    memoryBytes: count(gpu.memoryBytes, 'hello.gpus.memory_bytes'),
  };
}

export function readResources(resources: wire.Resources, at: string): Resources {
  const custom: [string, number][] = [];
  for (const [key, value] of atMost(Object.entries(resources.custom), MOST_CUSTOM, `${at}.custom`))
    custom.push([name(key, `${at}.custom`), count(value, `${at}.custom`)]);
  return {
    cpuMillis: count(resources.cpuMillis, `${at}.cpu_millis`),
    memoryBytes: count(resources.memoryBytes, `${at}.memory_bytes`),
    storageBytes: count(resources.storageBytes, `${at}.storage_bytes`),
    gpuMillis: count(resources.gpuMillis, `${at}.gpu_millis`),
    custom: Object.fromEntries(custom.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

export function readReport(report: wire.AttemptReport): ReportAttempt['report'] {
  const { phase } = report;
  switch (phase.case) {
    case 'starting':
      return { phase: 'starting', progress: optionalText(phase.value.progress) };
    case 'running':
      return {
        phase: 'running',
        startedAt: count(phase.value.startedAt, 'running.started_at'),
        containerId: name(phase.value.containerId, 'running.container_id'),
        imageDigest: optionalText(phase.value.imageDigest),
      };
    case 'ended':
      return { phase: 'ended', reason: readReason(phase.value.reason), result: readResult(phase.value) };
    default:
      throw new WireError('a report without a phase');
  }
}

function readResult(ended: wire.Ended): AttemptResult {
  return {
    exitCode: ended.exitCode ?? null,
    startedAt: optionalCount(ended.startedAt, 'ended.started_at'),
    endedAt: count(ended.endedAt, 'ended.ended_at'),
    oomInChild: ended.oomInChild,
    peakMemoryBytes:
      ended.peakMemoryBytes === undefined ? null : count(ended.peakMemoryBytes, 'ended.peak_memory_bytes'),
    cpuMillisSeconds:
      ended.cpuMillisSeconds === undefined ? null : count(ended.cpuMillisSeconds, 'ended.cpu_millis_seconds'),
    logBytes: {
      stdout: count(ended.stdoutBytes, 'ended.stdout_bytes'),
      stderr: count(ended.stderrBytes, 'ended.stderr_bytes'),
      dropped: count(ended.droppedLogBytes, 'ended.dropped_log_bytes'),
    },
    artifacts: atMost(ended.artifacts, MOST_ARTIFACTS, 'ended.artifacts').map(readArtifact),
    message: optionalText(ended.message),
  };
}

function readArtifact(artifact: wire.Artifact): Artifact {
  if (!/^sha256:[0-9a-f]{64}$/.test(artifact.digest)) throw new WireError('ended.artifacts.digest is not sha256:<hex>');
  return {
    path: readArtifactPath(artifact.path),
    sizeBytes: count(artifact.sizeBytes, 'ended.artifacts.size_bytes'),
    digest: artifact.digest,
  };
}

/** Relative, `/`-separated, nothing that could climb. It never becomes a path on this host all the same. */
export function readArtifactPath(path: string): string {
  const parts = path.split('/');
  const bad =
    path.length > PATH_CHARS ||
    path.includes('\0') ||
    parts.some((part) => part === '' || part === '.' || part === '..');
  if (bad)
    throw new WireError(
      `the artifact path ${JSON.stringify(path.slice(0, 200))} is not a relative path without "." and ".."`,
    );
  return path;
}

export function readChunk(chunk: wire.LogChunk): LogChunk {
  const stream =
    chunk.stream === wire.LogStream.STDOUT ? 'stdout' : chunk.stream === wire.LogStream.STDERR ? 'stderr' : null;
  if (stream === null) throw new WireError('a log chunk without a stream');
  return {
    stream,
    offset: count(chunk.offset, 'log.offset'),
    data: chunk.data,
    at: count(chunk.at, 'log.at'),
    last: chunk.last,
    dropped: count(chunk.dropped, 'log.dropped'),
  };
}

/** Measurements are for looking at: odd ones are put right and never cost a worker its session. */
export function readUsage(heartbeat: wire.Heartbeat, at: number): WorkerUsage | null {
  const { usage } = heartbeat;
  if (usage === undefined) return null;
  return {
    at,
    cpu: share(usage.cpu),
    memoryBytes: amount(usage.memoryBytes),
    storageBytes: amount(usage.storageBytes),
    gpu: share(usage.gpu),
    networkRxBytes: amount(usage.networkRxBytes),
    networkTxBytes: amount(usage.networkTxBytes),
    attempts: heartbeat.attempts.slice(0, MOST_FOUND).flatMap(readAttemptUsage),
  };
}

function readAttemptUsage(usage: wire.AttemptUsage): AttemptUsage[] {
  if (!isKey(usage.key)) return [];
  const { taskId, attempt } = usage.key;
  return [
    {
      taskId,
      attempt,
      cpuMicros: amount(usage.cpuMicros),
      cpuMillis: amount(usage.cpuMillis),
      memoryBytes: amount(usage.memoryBytes),
      memoryPeakBytes: amount(usage.memoryPeakBytes),
      storageBytes: amount(usage.storageBytes),
      networkRxBytes: amount(usage.networkRxBytes),
      networkTxBytes: amount(usage.networkTxBytes),
      gpu: usage.gpu === undefined ? null : share(usage.gpu),
      diskReadBytes: usage.diskReadBytes === undefined ? null : amount(usage.diskReadBytes),
      diskWriteBytes: usage.diskWriteBytes === undefined ? null : amount(usage.diskWriteBytes),
      paused: usage.paused,
    },
  ];
}

export function readKey(key: wire.AttemptKey | undefined, at: string): AttemptKey {
  if (!isKey(key)) throw new WireError(`${at}: not the key of an attempt`);
  return { taskId: key.taskId, attempt: key.attempt };
}

function isKey(key: wire.AttemptKey | undefined): key is wire.AttemptKey {
  return key !== undefined && /^[a-z0-9]{2,64}$/.test(key.taskId) && key.attempt >= 1;
}

export function keyText(key: AttemptKey): string {
  return `${key.taskId}/${key.attempt}`;
}

/** Of the engine's reasons, all; a compile error here means that one was added. */
const REASONS: Readonly<Record<EndReason, true>> = {
  exit_zero: true,
  exit_nonzero: true,
  oom: true,
  timeout: true,
  queue_timeout: true,
  image_error: true,
  command_error: true,
  storage_limit: true,
  log_limit: true,
  output_error: true,
  stuck: true,
  poison: true,
  worker_lost: true,
  external: true,
  daemon_restart: true,
  start_error: true,
  withdrawn: true,
  evicted: true,
  preempted: true,
  dependency_failed: true,
  cancelled_by_user: true,
  superseded: true,
};

function readReason(reason: string): EndReason {
  if (Object.hasOwn(REASONS, reason)) return reason as EndReason;
  throw new WireError(`${JSON.stringify(reason.slice(0, 40))} is not a reason for an end`);
}

function readLabels(labels: Readonly<Record<string, string>>, at: string): Readonly<Record<string, string>> {
  const entries = [...atMost(Object.entries(labels), MOST_LABELS, at)];
  for (const [key, value] of entries) {
    name(key, at);
    name(value, at);
  }
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function count(value: bigint, at: string): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw new WireError(`${at}: ${value} is out of bounds`);
  return Number(value);
}

/** 0 on the wire is "none" where a time can be missing. */
function optionalCount(value: bigint, at: string): number | null {
  return value === 0n ? null : count(value, at);
}

function optionalText(text: string): string | null {
  return text === '' ? null : text.slice(0, TEXT_CHARS);
}

function name(text: string, at: string): string {
  if (text.length > NAME_CHARS) throw new WireError(`${at}: more than ${NAME_CHARS} characters`);
  return text;
}

function amount(value: bigint): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Number(value)));
}

function share(value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
}

function atMost<T>(items: readonly T[], most: number, at: string): readonly T[] {
  if (items.length > most) throw new WireError(`${at}: ${items.length} entries, at most ${most} are taken`);
  return items;
}

function oneOf<const T extends string>(value: string, values: readonly T[], at: string): T {
  const found = values.find((one) => one === value);
  if (found === undefined)
    throw new WireError(`${at}: ${JSON.stringify(value.slice(0, 40))} is none of ${values.join(', ')}`);
  return found;
}

// ---- down -----------------------------------------------------------------------------------------

export type Down = NonNullable<MessageInitShape<typeof wire.SessionResponseSchema>['message']>;

export function down(message: Down): wire.SessionResponse {
  return create(wire.SessionResponseSchema, { message });
}

/** `traceparent`: empty where nobody traces. */
export function assignTask(effect: StartAttempt, traceparent = ''): Down {
  return {
    case: 'assign',
    value: {
      key: writeKey(effect),
      namespace: effect.namespace,
      owner: effect.owner,
      name: effect.name ?? '',
      spec: writeSpec(effect.spec),
      reserved: writeResources(effect.reserved),
      gpus: effect.gpus.map(({ index, millis }) => ({ index, millis })),
      imageDigest: effect.imageDigest ?? '',
      traceparent,
    },
  };
}

export function writeKey({ taskId, attempt }: AttemptKey): { taskId: string; attempt: number } {
  return { taskId, attempt };
}

function writeResources(resources: Resources): MessageInitShape<typeof wire.ResourcesSchema> {
  const custom = Object.entries(resources.custom).map(([key, value]) => [key, BigInt(value)]);
  return {
    cpuMillis: BigInt(resources.cpuMillis),
    memoryBytes: BigInt(resources.memoryBytes),
    storageBytes: BigInt(resources.storageBytes),
    gpuMillis: BigInt(resources.gpuMillis),
    custom: Object.fromEntries(custom),
  };
}

function writeSpec(spec: TaskSpec): MessageInitShape<typeof wire.TaskSpecSchema> {
  return {
    image: spec.image,
    commandKind: spec.command.kind,
    command:
      spec.command.kind === 'image' ? [] : spec.command.kind === 'shell' ? [spec.command.line] : [...spec.command.args],
    entrypoint: [...(spec.entrypoint ?? [])],
    hasEntrypoint: spec.entrypoint !== null,
    env: { ...spec.env },
    workingDir: spec.workingDir ?? '',
    user: spec.user ?? '',
    labels: { ...spec.labels },
    timeoutMs: BigInt(spec.timeoutMs ?? 0),
    stopSignal: spec.stopSignal ?? '',
    stopGraceMs: BigInt(spec.stopGraceMs),
    profile: spec.profile,
    network: spec.network,
    pull: spec.pull,
    logLimitBytes: BigInt(spec.logLimitBytes),
    logPolicy: spec.logPolicy,
  };
}
