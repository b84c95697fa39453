export type { Change, ClusterEvent, ClusterRow, EventKind } from './change.ts';
export type {
  Accepted,
  Command,
  CommandKind,
  CommitPlan,
  ConnectWorker,
  DrainWorker,
  FoundAttempt,
  JoinWorker,
  NewTask,
  RegisterWorker,
  Rejection,
  RejectionCode,
  Reply,
  ReportAttempt,
  SubmitTasks,
  UseScheduler,
} from './command.ts';
export { DEFAULT_ENGINE_CONFIG, type EngineConfig } from './config.ts';
export type { Effect, StartAttempt } from './effect.ts';
export { type Applied, Engine } from './engine.ts';
export type { Explanation, Obstacle, WorkerVerdict } from './explain.ts';
export { InvariantBroken } from './invariants.ts';
export {
  type Artifact,
  type Attempt,
  type AttemptResult,
  type AttemptState,
  type EndedAttemptState,
  isLive,
  type LiveAttemptState,
} from './model/attempt.ts';
export { gpuProblem } from './model/gpu.ts';
export { Ledger } from './model/ledger.ts';
export {
  bytesQuantity,
  durationQuantity,
  formatBytes,
  formatCpu,
  formatGpu,
  parseCount,
  parseCpu,
  parseDurationMs,
  parseGpu,
  parseMemory,
  parseStorage,
  type Quantity,
  type QuantityErrorCode,
  type QuantityOptions,
  thousandthsQuantity,
} from './model/quantity.ts';
export {
  add,
  type GpuShare,
  RESOURCE_NAMES,
  type ResourceName,
  type Resources,
  subtract,
  ZERO,
} from './model/resources.ts';
export { DEFAULT_SCHEDULING, POOL_LABEL, type Scheduling, type ScopeKind, scopeKey } from './model/scheduling.ts';
export { MAX_PARENTS, MAX_PRIORITY, MAX_USER_RETRIES, specProblem } from './model/spec.ts';
export {
  type EndReason,
  isTerminal,
  isWaiting,
  type RetryRule,
  type Task,
  type TaskCommand,
  type TaskId,
  type TaskSpec,
  type TaskState,
  type TerminalTaskState,
} from './model/task.ts';
export type { ApiToken, IdempotencyRecord, Job, Namespace, Role, User } from './model/tenancy.ts';
export type { SchedulingTerms, TaskAffinity, TaskSpread } from './model/terms.ts';
export type { GpuDevice, Worker, WorkerCapacity, WorkerState } from './model/worker.ts';
export { external } from './policy/external.ts';
export { Fragmentation } from './policy/fragmentation.ts';
export { learnedPlacement } from './policy/learned.ts';
export {
  ORDER_FEATURES,
  type OrderFeature,
  type OrderModel,
  orderModelProblem,
  UNTRAINED_ORDER,
} from './policy/order-model.ts';
export {
  type OrderedTask,
  type OrderingPolicy,
  type OrderKnowledge,
  UNKNOWN_SECONDS,
} from './policy/ordering.ts';
export {
  BACKFILLS,
  type Backfill,
  DEFAULT_BACKFILL,
  DEFAULT_ORDERING,
  isBackfill,
  orderingPolicies,
  orderingPolicy,
} from './policy/ordering-registry.ts';
export { learnedOrder } from './policy/orders/learned.ts';
export {
  PLACEMENT_FEATURES,
  type PlacementFeature,
  type PlacementModel,
  placementModelProblem,
  REQUEST_KINDS,
  UNTRAINED_PLACEMENT,
} from './policy/placement-model.ts';
export {
  type Ask,
  type Knowledge,
  NOTHING_KNOWN,
  type PlacementPolicy,
  type PolicyCard,
  type Scorer,
  type ScoringPolicy,
  type TaskFacts,
  type TypicalRequest,
  type WorkerRoom,
} from './policy/policy.ts';
export { DEFAULT_PLACEMENT, placementPolicies, placementPolicy } from './policy/registry.ts';
export { RoomTable } from './policy/room-table.ts';
export type { Snapshot } from './snapshot.ts';
export { MAX_TASKS_PER_CALL } from './stages/admit.ts';
export type { ClusterFragmentation } from './stages/cluster-fragmentation.ts';
export { MAX_ASSIGNMENTS_PER_PLAN } from './stages/commit.ts';
export type { PassOrder } from './stages/ordered-pass.ts';
export { type Placement, type PlaceView, type Plan, place } from './stages/place.ts';
export type { Preview } from './stages/preview.ts';
export { WaitingQueue } from './stages/queue.ts';
export { DEFAULT_NAMESPACE } from './stages/recover.ts';
export type { Running } from './stages/reservations.ts';
export { ATTEMPT_MOVES, TASK_MOVES, WORKER_MOVES } from './transitions.ts';
