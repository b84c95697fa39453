/**
 * Every setting of the master and of the worker: what it is called, how it is written, what holds without it, what it
 * means. The loader, `cloudai config` and docs/reference/configuration.md all read this table; there is no other list.
 *
 * A plain table and not a JSON schema: values come as text from the environment and from flags, and with units from
 * the file, so each kind needs a reader of its own anyway (`kinds.ts`).
 */
import { durationQuantity, DEFAULT_ENGINE_CONFIG as ENGINE } from '@cloudai/engine';
import type { Kind } from './kinds.ts';

export interface Setting {
  readonly kind: Kind;
  /** As one would write it in the file; null: not set. */
  readonly default: string | number | boolean | null;
  readonly meaning: string;
  /** Words of a `choice`. */
  readonly choices?: readonly string[];
  /** Bounds of `integer`, `duration` and `bytes`, in the unit of the value (ms, bytes). */
  readonly least?: number;
  readonly most?: number;
  /** The word `never` is allowed and gives null. */
  readonly never?: true;
  /** Shown as set or not, never as it is. */
  readonly secret?: true;
}

const MIB = 2 ** 20;
const DAY_MS = 86_400_000;
const duration = durationQuantity;

const LOG_LEVEL = {
  kind: 'choice',
  choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
  default: 'info',
  meaning: "Least severe entries in the process's own log. Master and worker share this setting.",
} as const satisfies Setting;

const TRACES = {
  kind: 'text',
  default: null,
  meaning:
    'OTLP endpoint that traces are sent to, `http://127.0.0.1:4318`. Without it: `OTEL_EXPORTER_OTLP_ENDPOINT`, else none are made. Master and worker share this setting.',
} as const satisfies Setting;

export const MASTER_SETTINGS = {
  data: {
    kind: 'path',
    default: '$XDG_STATE_HOME/cloudai',
    meaning: 'Data directory: state, logs, files, keys. `$XDG_STATE_HOME` is `~/.local/state` where it is not set.',
  },
  'rest.host': {
    kind: 'host',
    default: '127.0.0.1',
    meaning: 'Address for users. Beyond loopback it speaks TLS with a certificate of the cluster.',
  },
  'rest.port': { kind: 'port', default: 8080, meaning: 'Port for users; 0 takes a free one.' },
  'rest.hosts': {
    kind: 'list',
    default: null,
    meaning: 'Further names in the Host header and in the certificate, separated by commas.',
  },
  'rest.requestsPerSecond': {
    kind: 'integer',
    default: 500,
    least: 1,
    never: true,
    meaning:
      "Most requests of a user's token in a second, with its sessions; further ones are told to wait (429). Admins are not bounded. `never` bounds nobody.",
  },
  'rest.allowedOrigins': {
    kind: 'list',
    default: null,
    meaning: 'Origins (`https://tools.example`) whose pages may call the API with a token, separated by commas.',
  },
  'rest.failedLogins': {
    kind: 'integer',
    default: 20,
    least: 1,
    never: true,
    meaning:
      'Failed logins that one address may have in a minute; further ones are told to wait (429). Good tokens never are. `never` lets everybody try on.',
  },
  'grpc.enabled': { kind: 'boolean', default: true, meaning: 'Whether gRPC is served to programs.' },
  'grpc.host': {
    kind: 'host',
    default: '127.0.0.1',
    meaning: 'Address for gRPC. Beyond loopback it speaks TLS, as `rest.host` and under the names of `rest.hosts`.',
  },
  'grpc.port': {
    kind: 'port',
    default: null,
    meaning: 'Port for gRPC; 0 takes a free one. Without it 50052, and no gRPC with a warning where that is taken.',
  },
  'workers.host': {
    kind: 'host',
    default: '127.0.0.1',
    meaning: 'Address that workers dial. Always mutual TLS. `0.0.0.0` or `::` for all addresses.',
  },
  'workers.port': { kind: 'port', default: 50051, meaning: 'Port that workers dial; 0 takes a free one.' },
  'workers.endpoint': {
    kind: 'text',
    default: null,
    meaning: 'Host, or host:port, by which workers reach the master, where it is another than the one listened on.',
  },
  'workers.heartbeat': {
    kind: 'duration',
    default: '5s',
    least: 500,
    most: 60_000,
    meaning: 'How often a worker shows that it is alive.',
  },
  'scheduler.passDelay': {
    kind: 'duration',
    default: duration(ENGINE.passDelayMs),
    least: 0,
    most: 60_000,
    meaning: 'Least time between two passes of the scheduler.',
  },
  'scheduler.passPlacements': {
    kind: 'integer',
    default: ENGINE.passPlacements,
    least: 1,
    most: 1_000_000,
    meaning: 'Most placements in one pass; what is left goes into the next.',
  },
  'scheduler.externalBudget': {
    kind: 'duration',
    default: duration(ENGINE.externalBudgetMs),
    least: 50,
    most: 60_000,
    meaning: 'How long tasks are left to an external scheduler that does not answer, with the policy `external`.',
  },
  'queue.maxWaitingTasks': {
    kind: 'integer',
    default: ENGINE.maxWaitingTasks,
    least: 1,
    most: 10_000_000,
    meaning: 'Submits beyond so many waiting tasks are refused with `queue_full`.',
  },
  'queue.idempotency': {
    kind: 'duration',
    default: duration(ENGINE.idempotencyMs),
    least: 60_000,
    most: 30 * DAY_MS,
    meaning: 'How long an Idempotency-Key is remembered.',
  },
  'liveness.suspect': {
    kind: 'duration',
    default: duration(ENGINE.suspectMs),
    least: 1_000,
    most: 3_600_000,
    meaning: 'A worker that is silent for so long gets no new tasks.',
  },
  'liveness.lost': {
    kind: 'duration',
    default: duration(ENGINE.lostMs),
    least: 2_000,
    most: DAY_MS,
    meaning: 'A worker that is silent for so long is lost: its tasks are placed elsewhere.',
  },
  'liveness.startGrace': {
    kind: 'duration',
    default: duration(ENGINE.startGraceMs),
    least: 0,
    most: 3_600_000,
    meaning: 'After a start of the master nobody is called silent for so long.',
  },
  'liveness.reservation': {
    kind: 'duration',
    default: duration(ENGINE.reservationTtlMs),
    least: 1_000,
    most: 3_600_000,
    meaning: 'A placement that its worker has not confirmed in this time is withdrawn.',
  },
  'retries.infrastructure': {
    kind: 'integer',
    default: ENGINE.infraRetries,
    least: 0,
    most: 1000,
    meaning: 'How often a task is tried again after failures that are not its own, such as a lost worker.',
  },
  'retries.backoff': {
    kind: 'duration',
    default: duration(ENGINE.infraBackoffMs),
    least: 0,
    most: 3_600_000,
    meaning: 'First wait before such a retry; doubles each time.',
  },
  'retries.maxBackoff': {
    kind: 'duration',
    default: duration(ENGINE.infraBackoffMaxMs),
    least: 0,
    most: DAY_MS,
    meaning: 'Longest wait before such a retry.',
  },
  'retries.poisonWorkers': {
    kind: 'integer',
    default: ENGINE.poisonWorkers,
    least: 1,
    most: 100,
    meaning: 'A task that was starting on so many different workers when they were lost fails as `poison`.',
  },
  'retries.poisonWindow': {
    kind: 'duration',
    default: duration(ENGINE.poisonWindowMs),
    least: 1_000,
    most: 3_600_000,
    meaning: 'How young a task is that counts as starting for that.',
  },
  'memory.endedTasks': {
    kind: 'integer',
    default: ENGINE.endedMemoryTasks,
    least: 0,
    most: 1_000_000,
    meaning: 'Ended tasks that are kept in memory for quick reads; the store has all.',
  },
  'memory.ended': {
    kind: 'duration',
    default: duration(ENGINE.endedMemoryMs),
    least: 0,
    most: DAY_MS,
    meaning: 'How long they are kept in memory.',
  },
  'retention.endedTasks': {
    kind: 'duration',
    default: '30d',
    least: 60_000,
    never: true,
    meaning: 'Ended tasks are removed after this time, with their logs and files. `never` keeps them.',
  },
  'retention.events': {
    kind: 'duration',
    default: '90d',
    least: 60_000,
    never: true,
    meaning: 'Events are removed after this time. `never` keeps them.',
  },
  'telemetry.keep': {
    kind: 'duration',
    default: '30d',
    least: 3_600_000,
    most: 400 * DAY_MS,
    meaning:
      'Minutes of workers and of the cluster are removed after this time. Charts of tasks stay as long as the task.',
  },
  'telemetry.maxSize': {
    kind: 'bytes',
    default: '2Gi',
    least: 16 * MIB,
    meaning: 'Largest size of `telemetry.db`, the file of old measurements; the oldest go first.',
  },
  'metrics.token': {
    kind: 'text',
    default: null,
    secret: true,
    meaning: 'Bearer token that opens `/metrics` on the port for users and nothing else. Admins may read them anyway.',
  },
  'metrics.openOnLoopback': {
    kind: 'boolean',
    default: false,
    meaning: 'Whether callers on the machine of the master may read `/metrics` without a token.',
  },
  'artifacts.maxSize': {
    kind: 'bytes',
    default: '10Gi',
    least: 0,
    meaning: 'Largest file that is kept of a task.',
  },
  'store.reserve': {
    kind: 'bytes',
    default: '64Mi',
    least: 0,
    most: 1024 * MIB,
    meaning: 'Set aside on the disk of the data directory, so that ends and cancels can be stored when it is full.',
  },
  'traces.endpoint': TRACES,
  'log.level': LOG_LEVEL,
} as const satisfies Readonly<Record<string, Setting>>;

export const WORKER_SETTINGS = {
  'worker.data': {
    kind: 'path',
    default: '$XDG_STATE_HOME/cloudai/worker',
    meaning: 'Data directory of the worker: its identity, and what it has to remember of running tasks.',
  },
  'worker.master': { kind: 'text', default: null, meaning: '`host:port` of the master.' },
  'worker.join': {
    kind: 'text',
    default: null,
    secret: true,
    meaning: 'Join token, for the first start. `cloudai register` on the master prints it.',
  },
  'worker.id': { kind: 'text', default: null, meaning: 'Checked against the join token or the stored identity.' },
  'worker.docker': {
    kind: 'text',
    default: null,
    meaning: 'Address of Docker. Without it `DOCKER_HOST`, else `unix:///var/run/docker.sock`.',
  },
  'worker.registryAuth': {
    kind: 'path',
    default: null,
    meaning: "Docker's `config.json` with the credentials of registries.",
  },
  'worker.cpu': { kind: 'cpu', default: null, meaning: 'CPU to offer. Without it: all that was found.' },
  'worker.memory': { kind: 'bytes', default: null, meaning: 'Memory to offer. Without it: all that was found.' },
  'worker.storage': {
    kind: 'bytes',
    default: null,
    least: 0,
    meaning: 'Storage to offer. Without it: the size of the disk that containers write to.',
  },
  'worker.gpus': {
    kind: 'integer',
    default: null,
    least: 0,
    most: 64,
    meaning: 'How many GPUs to offer, the first ones. Without it: all that were found.',
  },
  'worker.custom': { kind: 'counts', default: null, meaning: 'Custom resources to offer: `licence=2,fpga=1`.' },
  'worker.metrics': {
    kind: 'text',
    default: null,
    meaning: 'Where the worker shows `/metrics`: `127.0.0.1:9101`. Without it: nowhere.',
  },
  'worker.metricsToken': {
    kind: 'text',
    default: null,
    secret: true,
    meaning: 'Bearer token that is wanted for them; needed beyond loopback.',
  },
  'worker.labels': { kind: 'map', default: null, meaning: 'Labels beside those that were found: `zone=a,disk=ssd`.' },
  'traces.endpoint': TRACES,
  'log.level': LOG_LEVEL,
} as const satisfies Readonly<Record<string, Setting>>;
