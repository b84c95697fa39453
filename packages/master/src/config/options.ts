/** From settings to what the master is started with. */
import type { EngineConfig } from '@cloudai/engine';
import type { Retention } from '@cloudai/store';
import type { MasterOptions } from '../options.ts';
import { ConfigError, type MasterValues } from './load.ts';

/** Throws `ConfigError` where two values contradict each other. */
export function masterOptions(values: MasterValues): Omit<MasterOptions, 'version'> {
  checkTogether(values);
  const advertise = values['workers.endpoint'];
  return {
    dataDir: values.data,
    rest: {
      host: values['rest.host'],
      port: values['rest.port'],
      hosts: values['rest.hosts'] ?? [],
      failedLogins: values['rest.failedLogins'],
      requestsPerSecond: values['rest.requestsPerSecond'],
      allowedOrigins: readOrigins(values['rest.allowedOrigins'] ?? []),
    },
    ...(values['grpc.enabled'] ? { grpc: grpcOptions(values) } : {}),
    workers: {
      host: values['workers.host'],
      port: values['workers.port'],
      ...(advertise === null ? {} : { advertise }),
    },
    sessions: { heartbeatMs: values['workers.heartbeat'], leaseMs: 2 * values['workers.heartbeat'] },
    engine: engineConfig(values),
    retention: retention(values),
    telemetry: { keepMs: values['telemetry.keep'], maxBytes: values['telemetry.maxSize'] },
    metrics: { token: values['metrics.token'], openOnLoopback: values['metrics.openOnLoopback'] },
    ...(values['traces.endpoint'] === null ? {} : { tracesEndpoint: values['traces.endpoint'] }),
    artifactMaxBytes: values['artifacts.maxSize'],
    reserveBytes: values['store.reserve'],
    logLevel: values['log.level'],
  };
}

function grpcOptions(values: MasterValues): NonNullable<MasterOptions['grpc']> {
  const [host, port] = [values['grpc.host'], values['grpc.port']];
  return port === null ? { host } : { host, port };
}

/** The figures that the engine decides by. */
export function engineConfig(values: MasterValues): Partial<EngineConfig> {
  return {
    suspectMs: values['liveness.suspect'],
    lostMs: values['liveness.lost'],
    startGraceMs: values['liveness.startGrace'],
    reservationTtlMs: values['liveness.reservation'],
    infraRetries: values['retries.infrastructure'],
    infraBackoffMs: values['retries.backoff'],
    infraBackoffMaxMs: values['retries.maxBackoff'],
    poisonWorkers: values['retries.poisonWorkers'],
    poisonWindowMs: values['retries.poisonWindow'],
    passDelayMs: values['scheduler.passDelay'],
    passPlacements: values['scheduler.passPlacements'],
    externalBudgetMs: values['scheduler.externalBudget'],
    maxWaitingTasks: values['queue.maxWaitingTasks'],
    idempotencyMs: values['queue.idempotency'],
    endedMemoryMs: values['memory.ended'],
    endedMemoryTasks: values['memory.endedTasks'],
  };
}

export function retention(values: MasterValues): Retention {
  return { endedTasksMs: values['retention.endedTasks'], eventsMs: values['retention.events'] };
}

/** An origin is compared to the letter with what browsers send, so it has to be written as they do. */
function readOrigins(origins: readonly string[]): readonly string[] {
  const wrong = origins.filter((text) => !URL.canParse(text) || new URL(text).origin !== text);
  if (wrong.length > 0)
    throw new ConfigError(
      wrong.map((text) => `rest.allowedOrigins: ${text} is no origin; write it as https://name or https://name:port`),
    );
  return origins;
}

function checkTogether(values: MasterValues): void {
  const problems: string[] = [];
  const shorter = (a: keyof MasterValues, b: keyof MasterValues) => {
    if (!(Number(values[a]) < Number(values[b]))) problems.push(`${a} has to be shorter than ${b}`);
  };
  shorter('workers.heartbeat', 'liveness.suspect');
  shorter('liveness.suspect', 'liveness.lost');
  if (values['retries.maxBackoff'] < values['retries.backoff'])
    problems.push('retries.maxBackoff has to be at least retries.backoff');
  if (problems.length > 0) throw new ConfigError(problems);
}
