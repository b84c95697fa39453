import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runSpec } from '../testing/assignment.ts';
import type { RunSpec } from './attempt.ts';
import type { ContainerExit } from './classify.ts';
import { adopt, begin, foundPhase, isStuck, step, wakeAt } from './machine.ts';
import type { AttemptAction, AttemptEvent, AttemptState } from './state.ts';

const key = { taskId: 'abcdefghijklmnop', attempt: 1 };
const image = { imageId: 'sha256:1', digest: 'busybox@sha256:2' };
const exit: ContainerExit = {
  exitCode: 0,
  oomKilled: false,
  external: false,
  daemonRestart: false,
  startedAt: 1_000,
  endedAt: 2_000,
  error: null,
};
const prepared: AttemptEvent = { kind: 'prepared', image, leaseFresh: true };
const started: AttemptEvent = {
  kind: 'started',
  containerId: 'c1',
  startedAt: 1_000,
  ranForMs: 0,
  imageDigest: image.digest,
};
const exited: AttemptEvent = { kind: 'exited', exit, usage: { memoryBytes: 1, cpuMillisSeconds: 2 } };
const logs: AttemptEvent = {
  kind: 'logsComplete',
  totals: { stdout: 5, stderr: 6, dropped: 7, message: null, commandError: null },
};
const outputs: AttemptEvent = {
  kind: 'outputsCollected',
  outputs: { artifacts: [{ path: 'a', sizeBytes: 1, digest: 'sha256:3' }], message: null, failed: false },
};
const cancel: AttemptEvent = { kind: 'stop', reason: 'cancelled_by_user', message: null, graceMs: 1_000, wallNow: 9 };

/** An attempt that events are told to; remembers what it asked for since the last look. */
class Driver {
  state: AttemptState;
  now = 0;
  #actions: AttemptAction[];

  constructor(spec: Partial<RunSpec> = {}) {
    const first = begin(key, runSpec(spec));
    this.state = first.state;
    this.#actions = [...first.actions];
  }

  tell(...events: AttemptEvent[]): this {
    for (const event of events) {
      const next = step(this.state, event, this.now);
      this.state = next.state;
      this.#actions.push(...next.actions);
    }
    return this;
  }

  at(now: number): this {
    this.now = now;
    return this;
  }

  take(): AttemptAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  kinds(): string[] {
    return this.take().map((action) => (action.kind === 'report' ? action.report.phase : action.kind));
  }

  get result() {
    if (this.state.phase !== 'ended') throw new Error(`it is ${this.state.phase}`);
    return this.state.result;
  }
}

describe('the ordinary way', () => {
  test('from assignment to gone, everything is asked for once', () => {
    const driver = new Driver();
    expect(driver.kinds()).toEqual(['starting', 'prepare']);
    expect(driver.tell(prepared).kinds()).toEqual(['start']);
    expect(driver.tell(started).kinds()).toEqual(['running', 'watch']);
    expect(driver.tell(exited).kinds()).toEqual(['collect']);
    expect(driver.tell(logs).kinds()).toEqual([]);
    expect(driver.tell(outputs).kinds()).toEqual(['ended']);
    expect(driver.result).toMatchObject({
      reason: 'exit_zero',
      logBytes: { stdout: 5, stderr: 6, dropped: 7 },
      artifacts: [{ path: 'a' }],
      peakMemoryBytes: 1,
      cpuMillisSeconds: 2,
    });
    expect(driver.tell({ kind: 'forget' }).kinds()).toEqual(['remove']);
    expect(driver.tell({ kind: 'removed' }).kinds()).toEqual(['forget']);
    expect(driver.state.phase).toBe('gone');
  });

  test('progress of the image is told as it comes', () => {
    const driver = new Driver();
    driver.take();
    const actions = driver.tell({ kind: 'progress', text: 'pulling 1 MB' }).take();
    expect(actions).toEqual([{ kind: 'report', report: { phase: 'starting', progress: 'pulling 1 MB' } }]);
  });

  test('an image that can not be had ends it without a container', () => {
    const driver = new Driver().tell({
      kind: 'notStarted',
      reason: 'image_error',
      message: 'no such image',
      exitCode: null,
      wallNow: 7,
    });
    expect(driver.result).toMatchObject({
      reason: 'image_error',
      endedAt: 7,
      startedAt: null,
      message: 'no such image',
    });
  });
});

describe('the lease', () => {
  test('nothing is started without a fresh one', () => {
    const driver = new Driver().tell({ ...prepared, leaseFresh: false });
    driver.take();
    expect(driver.state.phase).toBe('preparing');
    expect(driver.tell({ kind: 'leaseRenewed' }).kinds()).toEqual(['start']);
  });

  test('a renewal means nothing while the image is still on its way', () => {
    const driver = new Driver();
    driver.take();
    expect(driver.tell({ kind: 'leaseRenewed' }).kinds()).toEqual([]);
  });
});

describe('stops', () => {
  test('while the image is on its way: no container, the reason of the stop', () => {
    const driver = new Driver();
    driver.take();
    expect(driver.tell(cancel).kinds()).toEqual(['abortPrepare', 'ended']);
    expect(driver.result.reason).toBe('cancelled_by_user');
    expect(driver.tell(prepared).kinds()).toEqual([]);
  });

  test('while it starts: carried out as soon as it runs', () => {
    const driver = new Driver().tell(prepared);
    driver.take();
    expect(driver.tell(cancel).kinds()).toEqual([]);
    expect(driver.tell(started).kinds()).toEqual(['running', 'watch', 'stop']);
    expect(driver.tell({ ...exited, exit: { ...exit, exitCode: 143 } }, logs, outputs).result).toMatchObject({
      reason: 'cancelled_by_user',
      exitCode: 143,
    });
  });

  test('while it starts and the start fails: the reason of the stop', () => {
    const failed: AttemptEvent = {
      kind: 'notStarted',
      reason: 'start_error',
      message: 'x',
      exitCode: null,
      wallNow: 1,
    };
    expect(new Driver().tell(prepared, cancel, failed).result.reason).toBe('cancelled_by_user');
  });

  test('the first reason stands', () => {
    const driver = new Driver({ timeoutMs: 100 })
      .tell(prepared, started)
      .at(100)
      .tell({ kind: 'tick', wallNow: 7 }, cancel);
    expect(driver.tell(exited, logs, outputs).result.reason).toBe('timeout');
  });

  test('after the end they change nothing', () => {
    const driver = new Driver().tell(prepared, started, exited, cancel, logs, outputs, cancel);
    expect(driver.result.reason).toBe('exit_zero');
  });

  test('one without effect is repeated as a kill, and counts as stuck five seconds after the grace', () => {
    const driver = new Driver().tell(prepared, started, cancel);
    driver.take();
    expect(isStuck(driver.state, 5_999)).toBe(false);
    expect(isStuck(driver.state, 6_000)).toBe(true);
    expect(wakeAt(driver.state)).toBe(11_000);
    expect(driver.at(11_000).tell({ kind: 'tick', wallNow: 7 }).take()).toMatchObject([{ kind: 'stop', graceMs: 0 }]);
    expect(wakeAt(driver.state)).toBe(21_000);
    driver.at(60_999).tell({ kind: 'tick', wallNow: 7 }).take();
    expect(wakeAt(driver.state)).toBe(61_000);
    expect(driver.at(61_000).tell({ kind: 'tick', wallNow: 7 }).take()).toMatchObject([
      { kind: 'report', report: { phase: 'stuck', at: 7 } },
    ]);
    expect(driver.state.phase).toBe('stopping');
    expect(driver.tell({ kind: 'tick', wallNow: 7 }).take()).toEqual([]);
    // It ends after all.
    expect(driver.tell(exited, logs, outputs).state.phase).toBe('ended');
  });
});

describe('limits', () => {
  test('the run time counts from the start', () => {
    const driver = new Driver({ timeoutMs: 5_000 }).at(100).tell(prepared, { ...started, ranForMs: 40 });
    driver.take();
    expect(wakeAt(driver.state)).toBe(5_060);
    expect(driver.at(5_059).tell({ kind: 'tick', wallNow: 7 }).kinds()).toEqual([]);
    expect(driver.at(5_060).tell({ kind: 'tick', wallNow: 7 }).kinds()).toEqual(['stop']);
    expect(driver.tell(exited, logs, outputs).result).toMatchObject({
      reason: 'timeout',
      message: 'ran for longer than its time limit of 5000 ms',
    });
  });

  test('more storage than asked for ends it', () => {
    const driver = new Driver({ storageBytes: 100 }).tell(prepared, started);
    driver.take();
    expect(driver.tell({ kind: 'storageMeasured', bytes: 100 }).kinds()).toEqual([]);
    expect(driver.tell({ kind: 'storageMeasured', bytes: 101 }).kinds()).toEqual(['stop']);
    expect(driver.tell(exited, logs, outputs).result.reason).toBe('storage_limit');
  });

  test('without a storage request there is no limit', () => {
    const driver = new Driver({ storageBytes: 0 }).tell(prepared, started, { kind: 'storageMeasured', bytes: 1e12 });
    expect(driver.state.phase).toBe('running');
  });

  test.each([
    ['fail', 'stopping'],
    ['truncate', 'running'],
  ] as const)('too much log with the policy %s: %s', (logPolicy, phase) => {
    const driver = new Driver({ logPolicy }).tell(prepared, started, { kind: 'logLimitReached' });
    expect(driver.state.phase).toBe(phase);
  });
});

describe('what comes to light while collecting', () => {
  const cannotRun = '[FATAL tini (7)] exec /nosuch failed: No such file or directory';

  test('a command that could not be run', () => {
    const totals = { stdout: 0, stderr: 60, dropped: 0, message: null, commandError: cannotRun };
    const driver = new Driver().tell(prepared, started, { ...exited, exit: { ...exit, exitCode: 127 } });
    expect(driver.tell({ kind: 'logsComplete', totals }, outputs).result).toMatchObject({
      reason: 'command_error',
      exitCode: 127,
      message: cannotRun,
    });
  });

  test('the same words from a task that ended otherwise mean nothing', () => {
    const totals = { stdout: 0, stderr: 60, dropped: 0, message: null, commandError: cannotRun };
    const driver = new Driver().tell(prepared, started, { ...exited, exit: { ...exit, exitCode: 1 } });
    expect(driver.tell({ kind: 'logsComplete', totals }, outputs).result.reason).toBe('exit_nonzero');
  });

  test.each([
    [0, 'output_error'],
    [1, 'exit_nonzero'],
  ])('files that could not be kept after exit code %i: %s', (exitCode, reason) => {
    const driver = new Driver().tell(prepared, started, { ...exited, exit: { ...exit, exitCode } }, logs);
    const failed = { artifacts: [], message: 'too many files', failed: true };
    const { result } = driver.tell({ kind: 'outputsCollected', outputs: failed });
    expect(result).toMatchObject({ reason, message: 'too many files' });
  });
});

describe('abandoned', () => {
  const abandon: AttemptEvent = { kind: 'abandon' };

  test('while running: stopped, removed, not a word', () => {
    const driver = new Driver().tell(prepared, started);
    driver.take();
    expect(driver.tell(abandon).kinds()).toEqual(['stop']);
    expect(driver.tell(exited).kinds()).toEqual(['remove']);
    expect(driver.tell({ kind: 'removed' }).kinds()).toEqual(['forget']);
  });

  test.each([
    ['preparing', [], ['abortPrepare', 'remove']],
    ['collecting', [prepared, started, exited], ['remove']],
    ['ended', [prepared, started, exited, logs, outputs], ['remove']],
  ] as const)('while %s: removed', (_phase, before, asked) => {
    const driver = new Driver().tell(...before);
    driver.take();
    expect(driver.tell(abandon).kinds()).toEqual(asked);
  });

  test('while starting: removed once the outcome is known', () => {
    const driver = new Driver().tell(prepared, abandon);
    driver.take();
    expect(driver.tell(started).kinds()).toEqual(['watch', 'stop']);
    expect(driver.tell(exited).kinds()).toEqual(['remove']);
  });
});

describe('found after a restart', () => {
  const found = {
    key,
    spec: runSpec({ timeoutMs: 10_000 }),
    containerId: 'c1',
    startedAt: 1_000,
    ranForMs: 4_000,
    image,
    stop: null,
  } as const;

  test('a running one is watched, and its run time goes on', () => {
    const { state, actions } = adopt({ ...found, state: 'running' }, 50);
    expect(actions.map(({ kind }) => kind)).toEqual(['report', 'watch']);
    expect(wakeAt(state)).toBe(6_050);
    expect(foundPhase(state)).toBe('running');
  });

  test('one that has ended is not timed out after the fact', () => {
    const { state } = adopt({ ...found, state: 'exited', ranForMs: 99_000 }, 50);
    expect(wakeAt(state)).toBe(null);
  });

  test('one that we were stopping keeps the reason', () => {
    const first = adopt({ ...found, state: 'exited', stop: { reason: 'timeout', message: 'too long' } }, 0);
    expect(first.actions.map(({ kind }) => kind)).toEqual(['report', 'watch', 'stop']);
    const next = step(first.state, exited, 1).state;
    expect(next).toMatchObject({ phase: 'collecting', end: { reason: 'timeout', message: 'too long' } });
  });

  test('one that never ran starts with the next lease', () => {
    const { state, actions } = adopt({ ...found, state: 'created' }, 0);
    expect(actions).toEqual([]);
    expect(foundPhase(state)).toBe('starting');
    expect(step(state, { kind: 'leaseRenewed' }, 0).actions).toEqual([{ kind: 'start', image }]);
  });
});

test('whatever happens in whatever order, it only moves forward and ends at most once', () => {
  const order = ['preparing', 'starting', 'running', 'stopping', 'collecting', 'ended', 'removing', 'gone'];
  const notStarted: AttemptEvent = {
    kind: 'notStarted',
    reason: 'start_error',
    message: '',
    exitCode: null,
    wallNow: 1,
  };
  const events: readonly AttemptEvent[] = [
    prepared,
    { ...prepared, leaseFresh: false },
    { kind: 'leaseRenewed' },
    { kind: 'progress', text: 'x' },
    notStarted,
    started,
    cancel,
    { kind: 'abandon' },
    exited,
    logs,
    outputs,
    { kind: 'storageMeasured', bytes: 1_000 },
    { kind: 'logLimitReached' },
    { kind: 'forget' },
    { kind: 'removed' },
    { kind: 'tick', wallNow: 7 },
  ];
  const history = fc.array(fc.tuple(fc.constantFrom(...events), fc.nat(5_000)), { maxLength: 40 });
  fc.assert(
    fc.property(history, (told) => {
      const driver = new Driver({ storageBytes: 10, timeoutMs: 3_000, logPolicy: 'fail' });
      let asked = driver.kinds();
      for (const [event, later] of told) {
        const before = order.indexOf(driver.state.phase);
        driver.at(driver.now + later).tell(event);
        expect(order.indexOf(driver.state.phase)).toBeGreaterThanOrEqual(before);
        const now = driver.kinds();
        if (driver.state.abandoned) expect(now).not.toContain('ended');
        asked = [...asked, ...now];
      }
      for (const once of ['start', 'watch', 'collect', 'ended', 'remove', 'forget']) {
        expect(asked.filter((kind) => kind === once).length).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 2_000 },
  );
});
