/**
 * What an observed end of a container means: whose doing it was, and whether the exit code can be believed. Pure; the
 * watcher gathers what is asked for here. All times are Unix ms.
 */
import type { ContainerExit } from '../../core/classify.ts';

export const SIGKILL = 9;
const SIGTERM = 15;
const SIGNAL_EXIT = 128;
/** `docker stop` sends a signal and may wait this long for the process; an end after it was the process's own. */
const STOP_FROM_OUTSIDE_MS = 30_000;
/** How long after its return a daemon without live-restore takes to end what still runs. */
const TAKEN_DOWN_MS = 15_000;
/** Seen with engine 20.10: the pipe's content goes away with the container. */
const LOG_LOST_IN_OUTAGE = 'Docker was down when the task ended; what it wrote in the meantime is missing from its log';
const LOG_LOST_BEFORE_OUTAGE = 'Docker went down just after the task ended; its last words may be missing from its log';
/** With live-restore the container went on, and there is nothing to turn on. */
const END_UNKNOWN = 'the task ended while Docker was restarted, and Docker can not tell how';

export interface Kill {
  readonly signal: number;
  readonly at: number;
}

export interface ContainerHistory {
  readonly startedAt: number | null;
  /** We asked for its end. */
  readonly ours: boolean;
  /** Signals that others sent. */
  readonly kills: readonly Kill[];
  /** It was there before this process, or before what the daemon remembers. */
  readonly isFound: boolean;
}

export interface Outage {
  readonly since: number;
  /** When the daemon was last seen to be away: before this it can not have written anything about a container. */
  awayUntil: number;
  /** Infinite while it lasts. */
  backAt: number;
}

export interface DaemonHistory {
  readonly liveRestore: boolean;
  readonly outage: Outage | null;
  /** The daemon still knows every event since it started, so what it does not know happened before or without it. */
  readonly knowsAllEvents: boolean;
  /** Not before this the daemon took stock of its containers; null when it can not be known. */
  readonly since: number | null;
}

export interface ObservedEnd {
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly endedAt: number;
  readonly error: string;
  /** The daemon itself saw it end, and said so in an event. */
  readonly wasSeen: boolean;
}

export function judgeEnd(container: ContainerHistory, daemon: DaemonHistory, end: ObservedEnd): ContainerExit {
  const { exitCode, oomKilled, endedAt, error } = end;
  const inOutage = endedInOutage(container, daemon, endedAt);
  const takenDown = inOutage && tookItDown(daemon, endedAt);
  const daemonRestart = (takenDown || isGuessed(container, daemon, end)) && !container.ours;
  const killed = wasKilled(container.kills, exitCode, endedAt);
  const lost = inOutage ? LOG_LOST_IN_OUTAGE : wentUnheard(daemon, end) ? LOG_LOST_BEFORE_OUTAGE : null;
  return {
    exitCode,
    oomKilled,
    external: killed && !container.ours && !oomKilled && !daemonRestart,
    daemonRestart,
    startedAt: container.startedAt,
    endedAt,
    error: error !== '' ? error : daemonRestart ? (takenDown ? null : END_UNKNOWN) : lost,
  };
}

/** The container is gone without having ended first. */
export function removedEnd(container: ContainerHistory, at: number): ContainerExit {
  return {
    exitCode: SIGNAL_EXIT + SIGKILL,
    oomKilled: false,
    external: !container.ours,
    daemonRestart: false,
    startedAt: container.startedAt,
    endedAt: at,
    error: 'the container was removed by someone other than CloudAI',
  };
}

/** It ran when the daemon went away and did not run any more when it was back. */
function endedInOutage(container: ContainerHistory, { outage }: DaemonHistory, endedAt: number): boolean {
  if (outage === null) return false;
  const ranBefore = (container.startedAt ?? 0) < outage.since;
  return ranBefore && endedAt >= outage.since && endedAt <= outage.backAt + TAKEN_DOWN_MS;
}

/**
 * It ended before the daemon went away, which had not said so yet: it does so only once it has stored all output. The
 * outage may be a later one than the one that swallowed the end.
 */
function wentUnheard({ outage }: DaemonHistory, { endedAt, wasSeen }: ObservedEnd): boolean {
  return !wasSeen && outage !== null && endedAt < outage.since;
}

/** Without live-restore the daemon ends what still runs when it comes back. */
function tookItDown({ liveRestore, outage }: DaemonHistory, endedAt: number): boolean {
  return !liveRestore && outage !== null && endedAt >= outage.awayUntil;
}

/**
 * A daemon that finds a container ended and can not learn how, makes up exit code 0 or 255 and the present time (seen
 * with engine 20.10 under live-restore, in one of ten such ends). It has no event, and lies after the daemon's start.
 */
function isGuessed(container: ContainerHistory, daemon: DaemonHistory, { endedAt, wasSeen }: ObservedEnd): boolean {
  if (wasSeen) return false;
  const { outage, knowsAllEvents, since } = daemon;
  if (outage !== null && endedInOutage(container, daemon, endedAt)) return endedAt >= outage.awayUntil;
  // Found at the start of this process: an end that the daemon saw would be among its events.
  return container.isFound && knowsAllEvents && (since === null || endedAt >= since);
}

/** A kill that was not ours is the cause of an end that fits it. */
function wasKilled(kills: readonly Kill[], exitCode: number, endedAt: number): boolean {
  return kills.some(({ signal, at }) => {
    if (exitCode === SIGNAL_EXIT + signal) return true;
    return (signal === SIGKILL || signal === SIGTERM) && endedAt - at < STOP_FROM_OUTSIDE_MS;
  });
}
