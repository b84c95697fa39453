/** Assignments for tests, with everything filled in that a test does not care about. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { workerWire as wire } from '@cloudai/api';
import type { AttemptKey, RunSpec } from '../core/attempt.ts';

type SpecFields = Omit<wire.TaskSpec, '$typeName' | '$unknown'>;

export interface AssignmentOptions {
  readonly image?: string;
  readonly shell?: string;
  readonly exec?: readonly string[];
  readonly cpuMillis?: number;
  readonly memoryBytes?: number;
  readonly storageBytes?: number;
  readonly spec?: Partial<SpecFields>;
}

export function assignment(
  key: AttemptKey,
  options: AssignmentOptions = {},
): { case: 'assign'; value: MessageInitShape<typeof wire.AssignTaskSchema> } {
  const { shell, exec } = options;
  const command =
    shell !== undefined
      ? { commandKind: 'shell', command: [shell] }
      : exec !== undefined
        ? { commandKind: 'exec', command: [...exec] }
        : { commandKind: 'image' };
  return {
    case: 'assign',
    value: {
      key: { taskId: key.taskId, attempt: key.attempt },
      namespace: 'default',
      owner: 'admin',
      reserved: {
        cpuMillis: BigInt(options.cpuMillis ?? 500),
        memoryBytes: BigInt(options.memoryBytes ?? 64 * 2 ** 20),
        storageBytes: BigInt(options.storageBytes ?? 0),
      },
      spec: {
        image: options.image ?? 'cloudai/busybox:local',
        ...command,
        stopGraceMs: 1_000n,
        profile: 'standard',
        network: 'none',
        pull: 'missing',
        logLimitBytes: BigInt(64 * 2 ** 20),
        logPolicy: 'truncate',
        ...options.spec,
      },
    },
  };
}

export function runSpec(overrides: Partial<RunSpec> = {}): RunSpec {
  return {
    namespace: 'default',
    owner: 'admin',
    name: null,
    image: 'cloudai/busybox:local',
    imageDigest: null,
    command: { kind: 'image' },
    entrypoint: null,
    env: {},
    workingDir: null,
    user: null,
    labels: {},
    cpuMillis: 500,
    memoryBytes: 64 * 2 ** 20,
    storageBytes: 0,
    gpus: [],
    timeoutMs: null,
    stopSignal: null,
    stopGraceMs: 1_000,
    profile: 'standard',
    network: 'none',
    pull: 'missing',
    logLimitBytes: 64 * 2 ** 20,
    logPolicy: 'truncate',
    ...overrides,
  };
}
