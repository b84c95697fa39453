import type { EngineConfig } from '@cloudai/engine';
import { DEFAULT_ENGINE_CONFIG } from '@cloudai/engine';
import type { Retention } from '@cloudai/store';
import { ConfigError, type MasterValues } from './load.ts';

/** The figures that the engine decides by. Throws `ConfigError` where two of them contradict each other. */
export function engineConfig(values: MasterValues): EngineConfig {
  if (values['liveness.lost'] <= values['liveness.suspect'])
    throw new ConfigError(['liveness.lost has to be longer than liveness.suspect']);
  if (values['retries.maxBackoff'] < values['retries.backoff'])
    throw new ConfigError(['retries.maxBackoff has to be at least retries.backoff']);
  return {
    ...DEFAULT_ENGINE_CONFIG,
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
    maxWaitingTasks: values['queue.maxWaitingTasks'],
    idempotencyMs: values['queue.idempotency'],
    endedMemoryMs: values['memory.ended'],
    endedMemoryTasks: values['memory.endedTasks'],
  };
}

export function retention(values: MasterValues): Retention {
  return { endedTasksMs: values['retention.endedTasks'], eventsMs: values['retention.events'] };
}
