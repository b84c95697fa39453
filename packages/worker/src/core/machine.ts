/**
 * One attempt on this worker, as a pure state machine: `step(state, event, now)` gives the next state and what is to
 * be done. It knows no IO and no clock; `now` is any clock that never jumps, in ms. The worker process and the
 * simulator drive the same function.
 *
 *   preparing   the image is made present; then it waits for a fresh lease. A stop ends it without a container.
 *   starting    create and start are under way and can not be called back; a stop waits for their outcome.
 *   running     the process runs (or has ended while nobody looked; the watch will say so).
 *   stopping    a stop was sent; only the word that the process is dead leads on. That it is stuck is told meanwhile.
 *   collecting  the process is dead; the log is read to its end, `/output` is uploaded.
 *   ended       the result is complete and is told to the master until the master has it.
 *   removing    the container and its directory are taken away.
 *   gone        nothing is left; the attempt may be forgotten.
 *
 * Forward only. An abandoned attempt goes the same way, but without collecting and telling.
 */
import type { AttemptEnd, AttemptKey, AttemptReport, AttemptResult, RunSpec } from './attempt.ts';
import { type ContainerExit, classifyExit, type StopRequest } from './classify.ts';
import type {
  AttemptAction,
  AttemptEvent,
  AttemptState,
  Collecting,
  Common,
  PeakUsage,
  PreparedImage,
  Preparing,
  Running,
  Step,
} from './state.ts';

/** How long after the grace a process may take to die before it counts as stuck. */
export const STUCK_AFTER_MS = 5_000;
/**
 * How long after the grace the master is told. The task fails for good by that, so an engine that is slow, or is being
 * restarted, gets the time to kill it first.
 */
export const TELL_STUCK_AFTER_MS = 60_000;
/** How often a stop that had no effect is sent again. */
export const STOP_REPEAT_MS = 10_000;

/** Files of a task without a storage request are kept up to this many bytes. */
export const DEFAULT_OUTPUT_LIMIT_BYTES = 10 * 2 ** 30;

/** The first step of an attempt that the master assigned. */
export function begin(key: AttemptKey, spec: RunSpec): Step {
  return {
    state: { key, spec, abandoned: false, phase: 'preparing', image: null },
    actions: [{ kind: 'report', report: { phase: 'starting', progress: null } }, { kind: 'prepare' }],
  };
}

/** What a runtime found of an attempt after the worker process was restarted. */
export interface Found {
  readonly key: AttemptKey;
  readonly spec: RunSpec;
  readonly containerId: string;
  readonly state: 'created' | 'running' | 'paused' | 'exited';
  readonly startedAt: number | null;
  readonly ranForMs: number;
  readonly image: PreparedImage;
  /** A stop that was under way when the worker process ended. */
  readonly stop: StopRequest | null;
}

/** The first step of an attempt that was found in the runtime. */
export function adopt(found: Found, now: number): Step {
  const common = { key: found.key, spec: found.spec, abandoned: false };
  if (found.state === 'created') {
    // The process never ran. Starting needs a lease, and that the master still wants it: it says so before it
    // acknowledges the first heartbeat.
    return { state: { ...common, phase: 'preparing', image: found.image }, actions: [] };
  }
  const { containerId } = found;
  const running: AttemptState = {
    ...common,
    phase: 'running',
    containerId,
    deadlineAt: found.state === 'exited' ? null : deadline(found.spec, now, found.ranForMs),
  };
  const report: AttemptReport = {
    phase: 'running',
    startedAt: found.startedAt ?? 0,
    containerId,
    imageDigest: found.image.digest,
  };
  const actions: AttemptAction[] = [
    { kind: 'report', report },
    { kind: 'watch', containerId },
  ];
  if (found.stop === null) return { state: running, actions };
  const stopped = stop(running, { ...found.stop, graceMs: found.spec.stopGraceMs }, now);
  return { state: stopped.state, actions: [...actions, ...stopped.actions] };
}

/** Events that do not concern the present phase change nothing: they are late or repeated. */
export function step(state: AttemptState, event: AttemptEvent, now: number): Step {
  switch (event.kind) {
    case 'prepared':
      if (state.phase !== 'preparing') return unchanged(state);
      return event.leaseFresh
        ? start({ ...state, image: event.image }, event.image)
        : { state: { ...state, image: event.image }, actions: [] };
    case 'leaseRenewed':
      return state.phase === 'preparing' && state.image !== null ? start(state, state.image) : unchanged(state);
    case 'progress':
      return state.phase === 'preparing'
        ? { state, actions: [{ kind: 'report', report: { phase: 'starting', progress: event.text } }] }
        : unchanged(state);
    case 'notStarted':
      return notStarted(state, event);
    case 'started':
      return started(state, event, now);
    case 'stop':
      return onStop(state, event, now);
    case 'abandon':
      return onAbandon(state, now);
    case 'exited':
      return exited(state, event.exit, event.usage);
    case 'logsComplete':
      return state.phase === 'collecting' ? collected({ ...state, logs: event.totals }) : unchanged(state);
    case 'outputsCollected':
      return state.phase === 'collecting' ? collected({ ...state, outputs: event.outputs }) : unchanged(state);
    case 'storageMeasured':
      return storageMeasured(state, event.bytes, now);
    case 'logLimitReached':
      if (state.phase !== 'running' || state.spec.logPolicy !== 'fail') return unchanged(state);
      return stop(
        state,
        {
          reason: 'log_limit',
          message: `wrote more than ${state.spec.logLimitBytes} bytes of log, and its log policy is "fail"`,
          graceMs: state.spec.stopGraceMs,
        },
        now,
      );
    case 'forget':
      return state.phase === 'ended' ? remove(state) : unchanged(state);
    case 'removed':
      return state.phase === 'removing'
        ? { state: { ...common(state), phase: 'gone' }, actions: [{ kind: 'forget' }] }
        : unchanged(state);
    case 'tick':
      return tick(state, event, now);
  }
}

/** When `tick` has something to do, by the clock of `now`; null when it has not. */
export function wakeAt(state: AttemptState): number | null {
  if (state.phase === 'running') return state.deadlineAt;
  if (state.phase === 'stopping') return Math.min(state.repeatAt, state.tellStuckAt ?? state.repeatAt);
  return null;
}

/** A process that outlived SIGKILL keeps its resources, and the worker says that it is not well. */
export function isStuck(state: AttemptState, now: number): boolean {
  return state.phase === 'stopping' && now >= state.stuckAt;
}

/** The phase as it is told in the hello. */
export function foundPhase(state: AttemptState): 'starting' | 'running' | 'stopping' | 'ended' {
  switch (state.phase) {
    case 'preparing':
    case 'starting':
      return 'starting';
    case 'running':
    case 'stopping':
      return state.phase;
    case 'collecting':
    case 'ended':
    case 'removing':
    case 'gone':
      return 'ended';
  }
}

function unchanged(state: AttemptState): Step {
  return { state, actions: [] };
}

function common(state: AttemptState): Common {
  return { key: state.key, spec: state.spec, abandoned: state.abandoned };
}

function start(state: Preparing, image: PreparedImage): Step {
  return {
    state: { ...common(state), phase: 'starting', image, stop: null },
    actions: [{ kind: 'start', image }],
  };
}

function started(state: AttemptState, event: Extract<AttemptEvent, { kind: 'started' }>, now: number): Step {
  if (state.phase !== 'starting') return unchanged(state);
  const { containerId, startedAt, imageDigest } = event;
  const running: Running = {
    ...common(state),
    phase: 'running',
    containerId,
    deadlineAt: deadline(state.spec, now, event.ranForMs),
  };
  const actions: AttemptAction[] = [{ kind: 'watch', containerId }];
  if (!state.abandoned) {
    actions.unshift({ kind: 'report', report: { phase: 'running', startedAt, containerId, imageDigest } });
  }
  if (state.stop === null) return { state: running, actions };
  const stopped = stop(running, state.stop, now);
  return { state: stopped.state, actions: [...actions, ...stopped.actions] };
}

function notStarted(state: AttemptState, event: Extract<AttemptEvent, { kind: 'notStarted' }>): Step {
  if (state.phase !== 'preparing' && state.phase !== 'starting') return unchanged(state);
  if (state.abandoned) return remove(state);
  const stopped = state.phase === 'starting' ? state.stop : null;
  const end: AttemptEnd = {
    reason: stopped?.reason ?? event.reason,
    exitCode: event.exitCode,
    startedAt: null,
    endedAt: event.wallNow,
    oomInChild: false,
    message: stopped === null ? event.message : stopped.message,
  };
  return endWithoutContainer(state, end);
}

function onStop(state: AttemptState, event: Extract<AttemptEvent, { kind: 'stop' }>, now: number): Step {
  const request = { reason: event.reason, message: event.message, graceMs: event.graceMs };
  switch (state.phase) {
    case 'preparing': {
      const ended = endWithoutContainer(state, {
        reason: event.reason,
        exitCode: null,
        startedAt: null,
        endedAt: event.wallNow,
        oomInChild: false,
        message: event.message,
      });
      return { state: ended.state, actions: [{ kind: 'abortPrepare' }, ...ended.actions] };
    }
    case 'starting':
      return state.stop === null ? { state: { ...state, stop: request }, actions: [] } : unchanged(state);
    case 'running':
      return stop(state, request, now);
    // The first reason stands: a cancel that arrives while a time-out is being carried out changes nothing.
    case 'stopping':
    case 'collecting':
    case 'ended':
    case 'removing':
    case 'gone':
      return unchanged(state);
  }
}

function onAbandon(state: AttemptState, now: number): Step {
  const request = { reason: 'superseded', message: null, graceMs: state.spec.stopGraceMs };
  switch (state.phase) {
    case 'preparing': {
      const removing = remove({ ...state, abandoned: true });
      return { state: removing.state, actions: [{ kind: 'abortPrepare' }, ...removing.actions] };
    }
    case 'starting':
      return { state: { ...state, abandoned: true, stop: state.stop ?? request }, actions: [] };
    case 'running':
      return stop({ ...state, abandoned: true }, request, now);
    case 'stopping':
      return { state: { ...state, abandoned: true }, actions: [] };
    case 'collecting':
    case 'ended':
      return remove({ ...state, abandoned: true });
    case 'removing':
    case 'gone':
      return unchanged(state);
  }
}

function stop(state: Running, request: StopRequest & { readonly graceMs: number }, now: number): Step {
  const { containerId } = state;
  const { reason, message, graceMs } = request;
  return {
    state: {
      ...common(state),
      phase: 'stopping',
      containerId,
      stop: request,
      stuckAt: now + graceMs + STUCK_AFTER_MS,
      tellStuckAt: now + graceMs + TELL_STUCK_AFTER_MS,
      repeatAt: now + graceMs + STOP_REPEAT_MS,
    },
    actions: [{ kind: 'stop', containerId, graceMs, stop: { reason, message } }],
  };
}

function exited(state: AttemptState, exit: ContainerExit, usage: PeakUsage): Step {
  if (state.phase !== 'running' && state.phase !== 'stopping') return unchanged(state);
  if (state.abandoned) return remove(state);
  const { containerId, spec } = state;
  const end = classifyExit(exit, state.phase === 'stopping' ? state.stop : null, spec.memoryBytes);
  return {
    state: { ...common(state), phase: 'collecting', containerId, end, logs: null, outputs: null, usage },
    actions: [{ kind: 'collect', containerId, limitBytes: outputLimit(spec) }],
  };
}

function collected(state: Collecting): Step {
  if (state.logs === null || state.outputs === null) return { state, actions: [] };
  const { end, logs, outputs, usage } = state;
  const { reason, message } = withCommandError(end, logs.commandError);
  return finish(state, {
    ...end,
    reason: outputs.failed && reason === 'exit_zero' ? 'output_error' : reason,
    message: sentences(message, logs.message, outputs.message),
    peakMemoryBytes: usage.memoryBytes,
    cpuMillisSeconds: usage.cpuMillisSeconds,
    logBytes: { stdout: logs.stdout, stderr: logs.stderr, dropped: logs.dropped },
    artifacts: outputs.artifacts,
  });
}

/** With an init process in the container a command that can not be run shows in its exit code and its words. */
function withCommandError(end: AttemptEnd, commandError: string | null): Pick<AttemptEnd, 'reason' | 'message'> {
  const cannotRun = end.reason === 'exit_nonzero' && (end.exitCode === 126 || end.exitCode === 127);
  if (!cannotRun || commandError === null) return end;
  return { reason: 'command_error', message: commandError };
}

function endWithoutContainer(state: AttemptState, end: AttemptEnd): Step {
  return finish(state, {
    ...end,
    peakMemoryBytes: null,
    cpuMillisSeconds: null,
    logBytes: { stdout: 0, stderr: 0, dropped: 0 },
    artifacts: [],
  });
}

function finish(state: AttemptState, result: AttemptResult): Step {
  return {
    state: { ...common(state), phase: 'ended', result },
    actions: [{ kind: 'report', report: { phase: 'ended', result } }],
  };
}

function remove(state: AttemptState): Step {
  return { state: { ...common(state), phase: 'removing' }, actions: [{ kind: 'remove' }] };
}

function storageMeasured(state: AttemptState, bytes: number, now: number): Step {
  const limit = state.spec.storageBytes;
  if (state.phase !== 'running' || limit <= 0 || bytes <= limit) return unchanged(state);
  const message = `wrote ${bytes} bytes to disk and asked for ${limit}; ask for more storage`;
  return stop(state, { reason: 'storage_limit', message, graceMs: state.spec.stopGraceMs }, now);
}

function tick(state: AttemptState, { wallNow }: Extract<AttemptEvent, { kind: 'tick' }>, now: number): Step {
  if (state.phase === 'running' && state.deadlineAt !== null && now >= state.deadlineAt) {
    const message = `ran for longer than its time limit of ${state.spec.timeoutMs} ms`;
    return stop(state, { reason: 'timeout', message, graceMs: state.spec.stopGraceMs }, now);
  }
  if (state.phase === 'stopping' && state.tellStuckAt !== null && now >= state.tellStuckAt) {
    const message = `its process outlived the kill signal (it was to end: ${state.stop.reason}); look at the machine`;
    const report: AttemptReport = { phase: 'stuck', message, at: wallNow };
    return { state: { ...state, tellStuckAt: null }, actions: state.abandoned ? [] : [{ kind: 'report', report }] };
  }
  if (state.phase === 'stopping' && now >= state.repeatAt) {
    const { containerId, stop: request } = state;
    return {
      state: { ...state, repeatAt: now + STOP_REPEAT_MS },
      // The grace is over: what is left is to kill.
      actions: [{ kind: 'stop', containerId, graceMs: 0, stop: { reason: request.reason, message: request.message } }],
    };
  }
  return unchanged(state);
}

function deadline(spec: RunSpec, now: number, ranForMs: number): number | null {
  return spec.timeoutMs === null ? null : now + Math.max(0, spec.timeoutMs - ranForMs);
}

function outputLimit(spec: RunSpec): number {
  return spec.storageBytes > 0 ? spec.storageBytes : DEFAULT_OUTPUT_LIMIT_BYTES;
}

/** One text of what there is to say; null when there is nothing. */
export function sentences(...parts: readonly (string | null)[]): string | null {
  const said = parts.filter((part) => part !== null && part !== '');
  return said.length === 0 ? null : said.join('; ');
}
