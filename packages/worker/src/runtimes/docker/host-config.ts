/**
 * The whole of what CloudAI ever asks Docker for, as closed structs: what is not written here can not be had by a task.
 * A golden test holds the exact JSON.
 */
import type { AttemptKey, RunSpec } from '../../core/attempt.ts';
import type { PreparedImage } from '../../core/state.ts';

export const NETWORK_NAME = 'cloudai';
export const OUTPUT_PATH = '/output';
const PIDS_LIMIT = 512;
/** The bounds of the engine and of the kernel. */
const LEAST_NANO_CPUS = 10_000_000;
const LEAST_CPU_SHARES = 2;
const NOBODY = '65534:65534';
/** Tasks go before the system does when the machine runs out of memory. */
const OOM_SCORE_ADJ = 500;
const TMP_OPTIONS = 'rw,noexec,nosuid,nodev,size=64m';
/**
 * Docker's log is read from its start after a restart, so nothing below the limit may be rotated away. An entry costs up
 * to 28 bytes on top of its line, so the files together hold eight times the limit.
 */
const LOG_FILES = 4;
const MIN_LOG_FILE_BYTES = 4 * 2 ** 20;

export const LABELS = {
  cluster: 'ai.cloudai.cluster',
  worker: 'ai.cloudai.worker',
  task: 'ai.cloudai.task',
  attempt: 'ai.cloudai.attempt',
  spec: 'ai.cloudai.spec',
  imageDigest: 'ai.cloudai.image-digest',
} as const;

export interface DockerOwner {
  readonly clusterId: string;
  readonly workerId: string;
}

export function containerName(owner: DockerOwner, key: AttemptKey): string {
  return `cai-${owner.clusterId.slice(0, 8)}-${key.taskId}-${key.attempt}`;
}

/** What of the machine decides how a container is made. */
export interface DockerMachine {
  readonly gpus: readonly GpuRef[];
  /** How many CPUs the engine has; it refuses limits beyond. */
  readonly cpus: number;
}

export interface GpuRef {
  readonly index: number;
  readonly uuid: string;
}

export interface ContainerCreate {
  readonly Image: string;
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Env: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly StopSignal?: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Tty: false;
  readonly OpenStdin: false;
  readonly AttachStdout: false;
  readonly AttachStderr: false;
  readonly HostConfig: HostConfig;
}

export interface HostConfig {
  readonly NanoCpus: number;
  readonly CpuShares?: number;
  readonly Memory: number;
  readonly MemorySwap: number;
  readonly PidsLimit: number;
  readonly CapDrop: readonly ['ALL'];
  readonly SecurityOpt: readonly ['no-new-privileges'];
  readonly Init: true;
  readonly IpcMode: 'private';
  readonly OomScoreAdj: number;
  readonly Ulimits: readonly { readonly Name: 'core'; readonly Soft: 0; readonly Hard: 0 }[];
  readonly RestartPolicy: { readonly Name: 'no' };
  readonly LogConfig: { readonly Type: 'local'; readonly Config: Readonly<Record<string, string>> };
  readonly NetworkMode: typeof NETWORK_NAME | 'none';
  readonly Mounts: readonly OutputMount[];
  readonly ReadonlyRootfs?: true;
  readonly Tmpfs?: Readonly<Record<string, string>>;
  readonly DeviceRequests?: readonly GpuRequest[];
}

interface OutputMount {
  readonly Type: 'bind';
  readonly Source: string;
  readonly Target: typeof OUTPUT_PATH;
  readonly ReadOnly: false;
  readonly BindOptions: { readonly Propagation: 'rprivate' };
}

interface GpuRequest {
  readonly Driver: 'nvidia';
  readonly DeviceIDs: readonly string[];
  readonly Capabilities: readonly [readonly ['gpu']];
}

export function containerCreate(
  owner: DockerOwner,
  key: AttemptKey,
  spec: RunSpec,
  image: PreparedImage,
  outputDirectory: string,
  machine: DockerMachine,
): ContainerCreate {
  const restricted = spec.profile === 'restricted';
  const user = restricted ? NOBODY : spec.user;
  return {
    Image: image.imageId,
    ...commandOf(spec),
    Env: Object.entries({
      ...spec.env,
      CLOUDAI_TASK_ID: key.taskId,
      CLOUDAI_ATTEMPT: String(key.attempt),
      CLOUDAI_FENCE: String(key.attempt),
    }).map(([name, value]) => `${name}=${value}`),
    ...(spec.workingDir === null ? {} : { WorkingDir: spec.workingDir }),
    ...(user === null ? {} : { User: user }),
    ...(spec.stopSignal === null ? {} : { StopSignal: spec.stopSignal }),
    Labels: {
      [LABELS.cluster]: owner.clusterId,
      [LABELS.worker]: owner.workerId,
      [LABELS.task]: key.taskId,
      [LABELS.attempt]: String(key.attempt),
      [LABELS.spec]: JSON.stringify(spec),
      [LABELS.imageDigest]: image.digest ?? '',
    },
    Tty: false,
    OpenStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    HostConfig: hostConfig(spec, outputDirectory, machine),
  };
}

function commandOf(spec: RunSpec): Pick<ContainerCreate, 'Cmd' | 'Entrypoint'> {
  const entrypoint = spec.entrypoint === null ? {} : { Entrypoint: spec.entrypoint };
  switch (spec.command.kind) {
    case 'image':
      return entrypoint;
    case 'exec':
      return { ...entrypoint, Cmd: spec.command.args };
    case 'shell':
      // An empty list, other than none, clears the image's own entrypoint.
      return { Entrypoint: spec.entrypoint ?? [], Cmd: ['/bin/sh', '-c', spec.command.line] };
  }
}

function hostConfig(spec: RunSpec, outputDirectory: string, { gpus, cpus }: DockerMachine): HostConfig {
  const restricted = spec.profile === 'restricted';
  return {
    ...cpuLimit(spec.cpuMillis, cpus),
    Memory: spec.memoryBytes,
    MemorySwap: spec.memoryBytes,
    PidsLimit: PIDS_LIMIT,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    Init: true,
    IpcMode: 'private',
    OomScoreAdj: OOM_SCORE_ADJ,
    Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
    RestartPolicy: { Name: 'no' },
    LogConfig: {
      Type: 'local',
      Config: {
        'max-size': String(Math.max(2 * spec.logLimitBytes, MIN_LOG_FILE_BYTES)),
        'max-file': String(LOG_FILES),
        compress: 'false',
      },
    },
    NetworkMode: restricted || spec.network === 'none' ? 'none' : NETWORK_NAME,
    Mounts: [
      {
        Type: 'bind',
        Source: outputDirectory,
        Target: OUTPUT_PATH,
        ReadOnly: false,
        BindOptions: { Propagation: 'rprivate' },
      },
    ],
    ...(restricted ? { ReadonlyRootfs: true, Tmpfs: { '/tmp': TMP_OPTIONS } } : {}),
    ...(spec.gpus.length === 0 ? {} : { DeviceRequests: [gpuRequest(spec, gpus)] }),
  };
}

/**
 * A task that asks for no CPU has no quota but the least weight: it gets what nobody else wants. A worker may offer more
 * CPUs than it has; a limit beyond the machine is none.
 */
function cpuLimit(cpuMillis: number, cpus: number): Pick<HostConfig, 'NanoCpus' | 'CpuShares'> {
  if (cpuMillis === 0) return { NanoCpus: 0, CpuShares: LEAST_CPU_SHARES };
  return { NanoCpus: Math.min(Math.max(cpuMillis * 1_000_000, LEAST_NANO_CPUS), cpus * 1e9) };
}

/** Shares of a device are an agreement between tasks; Docker only knows whole devices. */
function gpuRequest(spec: RunSpec, gpus: readonly GpuRef[]): GpuRequest {
  const ids = spec.gpus.map(({ index }) => gpus.find((gpu) => gpu.index === index)?.uuid ?? String(index));
  return { Driver: 'nvidia', DeviceIDs: ids, Capabilities: [['gpu']] };
}
