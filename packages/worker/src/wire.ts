/** Between the wire's messages and the worker's own words. Nothing else knows both. */
import { create } from '@bufbuild/protobuf';
import { workerWire } from '@cloudai/api';
import type { AttemptSample } from './attempt-meter.ts';
import type { Capacity } from './capacity.ts';
import type { AttemptKey, AttemptReport, AttemptResult, RunSpec } from './core/attempt.ts';
import type { LogChunk, StreamName } from './core/log-ledger.ts';
import type { MachineUsage } from './telemetry.ts';

export type Up = workerWire.SessionRequest;
type UpMessage = NonNullable<Extract<workerWire.SessionRequest['message'], { case: string }>>;

export function up(message: UpMessage): Up {
  return create(workerWire.SessionRequestSchema, { message });
}

export function keyToWire(key: AttemptKey): workerWire.AttemptKey {
  return create(workerWire.AttemptKeySchema, { taskId: key.taskId, attempt: key.attempt });
}

const TASK_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The key becomes the name of a container and of a directory, so nothing odd is let in. */
export function keyFromWire(key: workerWire.AttemptKey | undefined): AttemptKey {
  if (key === undefined || !TASK_ID.test(key.taskId) || key.attempt < 1) {
    throw new Error(
      `the master named the attempt ${JSON.stringify(key?.taskId)}.${key?.attempt}, which can not be one`,
    );
  }
  return { taskId: key.taskId, attempt: key.attempt };
}

export function specFromWire(assign: workerWire.AssignTask): RunSpec {
  const { spec, reserved } = assign;
  if (spec === undefined || reserved === undefined) throw new Error('an assignment came without spec or resources');
  return {
    namespace: assign.namespace,
    owner: assign.owner,
    name: orNull(assign.name),
    image: spec.image,
    imageDigest: orNull(assign.imageDigest),
    ...(assign.traceparent === '' ? {} : { traceparent: assign.traceparent.slice(0, 64) }),
    command: commandFromWire(spec),
    entrypoint: spec.hasEntrypoint ? spec.entrypoint : null,
    env: spec.env,
    workingDir: orNull(spec.workingDir),
    user: orNull(spec.user),
    labels: spec.labels,
    cpuMillis: Number(reserved.cpuMillis),
    memoryBytes: Number(reserved.memoryBytes),
    storageBytes: Number(reserved.storageBytes),
    gpus: assign.gpus.map(({ index, millis }) => ({ index, millis })),
    timeoutMs: spec.timeoutMs === 0n ? null : Number(spec.timeoutMs),
    stopSignal: orNull(spec.stopSignal),
    stopGraceMs: Number(spec.stopGraceMs),
    // Closed lists: an unknown word is an error of the master, never a wider permission.
    profile: oneOf('profile', spec.profile, ['standard', 'restricted']),
    network: oneOf('network', spec.network, ['bridge', 'none']),
    pull: oneOf('pull', spec.pull, ['always', 'missing', 'never']),
    logLimitBytes: Number(spec.logLimitBytes),
    logPolicy: oneOf('log policy', spec.logPolicy, ['truncate', 'fail']),
  };
}

function commandFromWire(spec: workerWire.TaskSpec): RunSpec['command'] {
  switch (oneOf('command kind', spec.commandKind, ['image', 'shell', 'exec'])) {
    case 'image':
      return { kind: 'image' };
    case 'shell':
      return { kind: 'shell', line: spec.command[0] ?? '' };
    case 'exec':
      return { kind: 'exec', args: spec.command };
  }
}

function oneOf<T extends string>(what: string, word: string, words: readonly T[]): T {
  const known = words.find((candidate) => candidate === word);
  if (known === undefined) throw new Error(`the ${what} "${word}" is unknown; it is one of ${words.join(', ')}`);
  return known;
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}

export function capacityToWire(capacity: Capacity): {
  capacity: workerWire.Resources;
  gpus: workerWire.GpuDevice[];
} {
  return {
    capacity: create(workerWire.ResourcesSchema, {
      cpuMillis: BigInt(capacity.cpuMillis),
      memoryBytes: BigInt(capacity.memoryBytes),
      storageBytes: BigInt(capacity.storageBytes),
      gpuMillis: BigInt(capacity.gpus.length * 1000),
      custom: Object.fromEntries(Object.entries(capacity.custom).map(([name, count]) => [name, BigInt(count)])),
    }),
    gpus: capacity.gpus.map(({ index, uuid, model, memoryBytes }) =>
      create(workerWire.GpuDeviceSchema, { index, uuid, model, memoryBytes: BigInt(memoryBytes) }),
    ),
  };
}

export function reportToWire(session: bigint, sequence: bigint, key: AttemptKey, report: AttemptReport): Up {
  const base = { session, sequence, key: keyToWire(key) };
  switch (report.phase) {
    case 'starting':
      return up({
        case: 'report',
        value: create(workerWire.AttemptReportSchema, {
          ...base,
          phase: { case: 'starting', value: { progress: report.progress ?? '' } },
        }),
      });
    case 'running':
      return up({
        case: 'report',
        value: create(workerWire.AttemptReportSchema, {
          ...base,
          phase: {
            case: 'running',
            value: {
              startedAt: BigInt(report.startedAt),
              containerId: report.containerId,
              imageDigest: report.imageDigest ?? '',
            },
          },
        }),
      });
    case 'stuck':
      return up({
        case: 'report',
        value: create(workerWire.AttemptReportSchema, {
          ...base,
          phase: {
            case: 'ended',
            value: create(workerWire.EndedSchema, {
              reason: 'stuck',
              endedAt: BigInt(report.at),
              message: report.message,
            }),
          },
        }),
      });
    case 'ended':
      return up({
        case: 'report',
        value: create(workerWire.AttemptReportSchema, {
          ...base,
          phase: { case: 'ended', value: endedToWire(report.result) },
        }),
      });
  }
}

function endedToWire(result: AttemptResult): workerWire.Ended {
  const { exitCode, peakMemoryBytes, cpuMillisSeconds } = result;
  return create(workerWire.EndedSchema, {
    reason: result.reason,
    ...(exitCode === null ? {} : { exitCode }),
    startedAt: BigInt(result.startedAt ?? 0),
    endedAt: BigInt(result.endedAt),
    oomInChild: result.oomInChild,
    ...(peakMemoryBytes === null ? {} : { peakMemoryBytes: BigInt(peakMemoryBytes) }),
    ...(cpuMillisSeconds === null ? {} : { cpuMillisSeconds: BigInt(cpuMillisSeconds) }),
    stdoutBytes: BigInt(result.logBytes.stdout),
    stderrBytes: BigInt(result.logBytes.stderr),
    droppedLogBytes: BigInt(result.logBytes.dropped),
    artifacts: result.artifacts.map(({ path, sizeBytes, digest }) =>
      create(workerWire.ArtifactSchema, { path, sizeBytes: BigInt(sizeBytes), digest }),
    ),
    message: result.message ?? '',
  });
}

export function logToWire(key: AttemptKey, chunk: LogChunk): Up {
  return up({
    case: 'log',
    value: create(workerWire.LogChunkSchema, {
      key: keyToWire(key),
      stream: chunk.stream === 'stdout' ? workerWire.LogStream.STDOUT : workerWire.LogStream.STDERR,
      offset: BigInt(chunk.offset),
      data: chunk.data,
      at: BigInt(chunk.at),
      last: chunk.last,
      dropped: BigInt(chunk.dropped),
    }),
  });
}

export function streamFromWire(stream: workerWire.LogStream): StreamName {
  return stream === workerWire.LogStream.STDERR ? 'stderr' : 'stdout';
}

export function usageToWire(usage: MachineUsage): workerWire.Usage {
  return create(workerWire.UsageSchema, {
    cpu: usage.cpu,
    memoryBytes: BigInt(usage.memoryBytes),
    storageBytes: BigInt(usage.storageBytes),
    gpu: usage.gpu,
    networkRxBytes: BigInt(usage.networkRxBytes),
    networkTxBytes: BigInt(usage.networkTxBytes),
  });
}

/** `gpu`: 0..1 of its devices; null where it has none. */
export function sampleToWire(key: AttemptKey, sample: AttemptSample, gpu: number | null): workerWire.AttemptUsage {
  const { diskReadBytes = null, diskWriteBytes = null } = sample;
  return create(workerWire.AttemptUsageSchema, {
    key: keyToWire(key),
    cpuMicros: BigInt(sample.cpuMicros),
    cpuMillis: BigInt(sample.cpuMillis),
    memoryBytes: BigInt(sample.memoryBytes),
    memoryPeakBytes: BigInt(sample.memoryPeakBytes),
    storageBytes: BigInt(sample.storageBytes),
    networkRxBytes: BigInt(sample.networkRxBytes),
    networkTxBytes: BigInt(sample.networkTxBytes),
    ...(gpu === null ? {} : { gpu }),
    ...(diskReadBytes === null ? {} : { diskReadBytes: BigInt(diskReadBytes) }),
    ...(diskWriteBytes === null ? {} : { diskWriteBytes: BigInt(diskWriteBytes) }),
    paused: sample.paused,
  });
}
