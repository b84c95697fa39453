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
  adopt,
  begin,
  type Found,
  foundPhase,
  isStuck,
  STOP_REPEAT_MS,
  STUCK_AFTER_MS,
  step,
  wakeAt,
} from './machine.ts';
export type {
  AttemptAction,
  AttemptEvent,
  AttemptState,
  CollectedOutputs,
  PeakUsage,
  PreparedImage,
  Step,
} from './state.ts';
