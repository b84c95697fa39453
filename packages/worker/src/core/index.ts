export type {
  Artifact,
  AttemptEnd,
  AttemptKey,
  AttemptReport,
  AttemptResult,
  EndReason,
  LogTotals,
  RunSpec,
  WorkerEndReason,
} from './attempt.ts';
export { keyText } from './attempt.ts';
export { type ContainerExit, classifyExit, type StopRequest } from './classify.ts';
export { type LogChunk, LogLedger, type StreamName } from './log-ledger.ts';
export {
  type AttemptAction,
  type AttemptEvent,
  type AttemptState,
  adopt,
  begin,
  type CollectedOutputs,
  type Found,
  foundPhase,
  isStuck,
  type PeakUsage,
  type PreparedImage,
  STOP_REPEAT_MS,
  STUCK_AFTER_MS,
  type Step,
  step,
  wakeAt,
} from './machine.ts';
