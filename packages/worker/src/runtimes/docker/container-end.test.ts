import { expect, test } from 'vitest';
import { type ContainerHistory, type DaemonHistory, judgeEnd, type ObservedEnd, removedEnd } from './container-end.ts';

const container: ContainerHistory = { startedAt: 1_000, ours: false, kills: [], isFound: false };
const daemon: DaemonHistory = { liveRestore: true, outage: null, knowsAllEvents: true, since: 0 };
const end: ObservedEnd = { exitCode: 7, oomKilled: false, endedAt: 50_000, error: '', wasSeen: true };
/** Away from 40 s, last seen away at 60 s, back at 61 s. */
const outage = { since: 40_000, awayUntil: 60_000, backAt: 61_000 };

interface Row {
  readonly what: string;
  readonly container?: Partial<ContainerHistory>;
  readonly daemon?: Partial<DaemonHistory>;
  readonly end?: Partial<ObservedEnd>;
  readonly means: 'its own' | 'external' | 'daemonRestart';
}

const rows: readonly Row[] = [
  { what: 'an ordinary end', means: 'its own' },
  {
    what: 'SIGKILL from outside',
    container: { kills: [{ signal: 9, at: 49_990 }] },
    end: { exitCode: 137 },
    means: 'external',
  },
  {
    what: 'docker stop from outside, obeyed with 0',
    container: { kills: [{ signal: 15, at: 45_000 }] },
    end: { exitCode: 0 },
    means: 'external',
  },
  { what: 'a SIGTERM long ago that was ignored', container: { kills: [{ signal: 15, at: 5_000 }] }, means: 'its own' },
  { what: 'SIGHUP from outside, survived', container: { kills: [{ signal: 1, at: 49_990 }] }, means: 'its own' },
  {
    what: 'SIGHUP from outside, died of it',
    container: { kills: [{ signal: 1, at: 49_990 }] },
    end: { exitCode: 129 },
    means: 'external',
  },
  {
    what: 'killed from outside while we were stopping it',
    container: { ours: true, kills: [{ signal: 9, at: 49_990 }] },
    means: 'its own',
  },
  { what: 'killed for memory', end: { exitCode: 137, oomKilled: true }, means: 'its own' },
  {
    what: 'in an outage, told with the time it happened',
    daemon: { outage },
    end: { wasSeen: false },
    means: 'its own',
  },
  {
    what: 'in an outage, told with the time of the return',
    daemon: { outage },
    end: { exitCode: 0, endedAt: 60_500, wasSeen: false },
    means: 'daemonRestart',
  },
  {
    what: 'just after an outage, seen by the new daemon',
    daemon: { outage },
    end: { endedAt: 61_500 },
    means: 'its own',
  },
  {
    what: 'just after an outage, without live-restore',
    daemon: { outage, liveRestore: false },
    end: { exitCode: 137, endedAt: 61_500 },
    container: { kills: [{ signal: 15, at: 61_400 }] },
    means: 'daemonRestart',
  },
  {
    what: 'in an outage without live-restore, by itself',
    daemon: { outage, liveRestore: false },
    end: { wasSeen: false },
    means: 'its own',
  },
  { what: 'long after an outage', daemon: { outage, liveRestore: false }, end: { endedAt: 99_000 }, means: 'its own' },
  {
    what: 'started after the outage',
    daemon: { outage, liveRestore: false },
    container: { startedAt: 61_200 },
    end: { endedAt: 61_500 },
    means: 'its own',
  },
  {
    what: 'ours, taken down with the daemon',
    daemon: { outage, liveRestore: false },
    container: { ours: true },
    end: { endedAt: 61_500 },
    means: 'its own',
  },
  {
    what: 'found ended, and the daemon saw it',
    container: { isFound: true },
    daemon: { since: 45_000 },
    means: 'its own',
  },
  {
    what: 'found ended before the daemon started',
    container: { isFound: true },
    daemon: { since: 55_000 },
    end: { wasSeen: false },
    means: 'its own',
  },
  {
    what: 'found ended at the daemon’s start',
    container: { isFound: true },
    daemon: { since: 45_000 },
    end: { exitCode: 255, wasSeen: false },
    means: 'daemonRestart',
  },
  {
    what: 'found ended, and the daemon’s start is unknown',
    container: { isFound: true },
    daemon: { since: null },
    end: { exitCode: 0, wasSeen: false },
    means: 'daemonRestart',
  },
  {
    what: 'found ended, and the daemon forgot its oldest events',
    container: { isFound: true },
    daemon: { since: 45_000, knowsAllEvents: false },
    end: { wasSeen: false },
    means: 'its own',
  },
];

test.each(rows)('$what: $means', ({ container: c, daemon: d, end: e, means }) => {
  const { external, daemonRestart } = judgeEnd({ ...container, ...c }, { ...daemon, ...d }, { ...end, ...e });
  expect(daemonRestart ? 'daemonRestart' : external ? 'external' : 'its own').toBe(means);
});

test('an end in an outage says that the log is not whole', () => {
  const { error } = judgeEnd(container, { ...daemon, outage }, { ...end, wasSeen: false });
  expect(error).toContain('missing from its log');
});

test('an end that the daemon had no time to tell says so, too; one that it told does not', () => {
  const justBefore = { ...end, endedAt: outage.since - 3 };
  expect(judgeEnd(container, { ...daemon, outage }, { ...justBefore, wasSeen: false }).error).toContain(
    'may be missing from its log',
  );
  expect(judgeEnd(container, { ...daemon, outage }, { ...justBefore, wasSeen: true }).error).toBeNull();
  expect(judgeEnd(container, { ...daemon, outage: null }, { ...justBefore, wasSeen: false }).error).toBeNull();
});

test('a made-up end gives no advice to turn on what is on', () => {
  const madeUp = { ...end, exitCode: 0, endedAt: 60_500, wasSeen: false };
  const { error } = judgeEnd(container, { ...daemon, outage, liveRestore: true }, madeUp);
  expect(error).toContain('can not tell how');
  expect(judgeEnd(container, { ...daemon, outage, liveRestore: false }, madeUp).error).toBeNull();
});

test('removed by others is external, removed by us is not', () => {
  expect(removedEnd(container, 1).external).toBe(true);
  expect(removedEnd({ ...container, ours: true }, 1).external).toBe(false);
});
