/** Figures the engine decides by; defaults are those of `docs/reference/configuration.md`. Times in ms. */
export interface EngineConfig {
  readonly suspectMs: number;
  readonly lostMs: number;
  /** After a master start nobody is suspected or lost before this. */
  readonly startGraceMs: number;
  readonly reservationTtlMs: number;
  readonly infraRetries: number;
  /** First back-off after an infrastructure failure; doubles up to `infraBackoffMaxMs`. */
  readonly infraBackoffMs: number;
  readonly infraBackoffMaxMs: number;
  /** A task that was starting or younger than `poisonWindowMs` on this many workers that were lost is quarantined. */
  readonly poisonWorkers: number;
  readonly poisonWindowMs: number;
  /** Least time between two schedule passes. */
  readonly passDelayMs: number;
  /** Most placements in one pass; what is left goes into the next. */
  readonly passPlacements: number;
  /** How long waiting tasks are left to an external scheduler that does not answer. */
  readonly externalBudgetMs: number;
  readonly maxWaitingTasks: number;
  readonly idempotencyMs: number;
  /** How long an ended task stays in memory for late reports and quick reads. */
  readonly endedMemoryMs: number;
  readonly endedMemoryTasks: number;
  /** A second incarnation of a worker id within this time of the first's heartbeat is a clone. */
  readonly duplicateWindowMs: number;
}

export const DEFAULT_ENGINE_CONFIG: EngineConfig = {
  suspectMs: 12_000,
  lostMs: 30_000,
  startGraceMs: 60_000,
  reservationTtlMs: 30_000,
  infraRetries: 5,
  infraBackoffMs: 1_000,
  infraBackoffMaxMs: 60_000,
  poisonWorkers: 3,
  poisonWindowMs: 60_000,
  passDelayMs: 2,
  passPlacements: 10_000,
  externalBudgetMs: 1_500,
  maxWaitingTasks: 1_000_000,
  idempotencyMs: 86_400_000,
  endedMemoryMs: 600_000,
  endedMemoryTasks: 10_000,
  duplicateWindowMs: 10_000,
};
