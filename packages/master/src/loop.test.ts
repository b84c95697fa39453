import type { Change, Command, Effect, Reply } from '@cloudai/engine';
import { StoreError, type StoreHealth } from '@cloudai/store';
import { describe, expect, test } from 'vitest';
import { type LoopOptions, type Machine, MasterLoop } from './loop.ts';
import { Unavailable } from './unavailable.ts';

/** Notes what happens, in order, in one list that all parts share. */
class Scene {
  readonly log: string[] = [];
  readonly store = new FakeStore(this.log);
  readonly fatal: unknown[] = [];
  machine = new FakeMachine(this.log);
  now = 1_000;
  readonly loop: MasterLoop<FakeMachine>;
  reload: () => Promise<{ engine: FakeMachine; epoch: number }> = () => Promise.reject(new Error('not expected'));

  constructor(options: Partial<LoopOptions<FakeMachine>> = {}) {
    this.loop = new MasterLoop<FakeMachine>({
      engine: this.machine,
      store: this.store,
      epoch: 1,
      clock: { now: () => this.now, lagMs: () => 0, forgive: () => {} },
      perform: (effects) => {
        for (const effect of effects) this.log.push(`effect ${(effect as unknown as { name: string }).name}`);
      },
      reload: () => this.reload(),
      onFatal: (error) => this.fatal.push(error),
      ...options,
    });
    this.loop.onCommitted((changes) => this.log.push(`publish ${changes.length}`));
  }

  /** Puts a command in and notes its answer. */
  async put(name: string, kind: Command['kind'] = 'cancelTask'): Promise<Reply | Unavailable> {
    const outcome = await this.loop
      .submit({ kind, taskId: name } as unknown as Command)
      .catch((error: unknown) => error as Unavailable);
    this.log.push(outcome instanceof Unavailable ? `${outcome.code} ${name}` : `answer ${name}`);
    return outcome;
  }
}

class FakeMachine implements Machine {
  due: number | null = null;
  readonly applied: string[] = [];
  readonly #log: string[];

  constructor(log: string[]) {
    this.#log = log;
  }

  apply(command: Command, now: number) {
    const name = command.kind === 'tick' ? `tick@${now}` : (command as unknown as { taskId: string }).taskId;
    if (name === 'bug') throw new Error('the ledger does not add up');
    this.applied.push(name);
    this.#log.push(`apply ${name}`);
    if (command.kind === 'tick') this.due = null;
    const quiet = name.startsWith('quiet');
    return {
      changes: quiet ? [] : [{ kind: 'task', name } as unknown as Change],
      effects: quiet ? [] : [{ name } as unknown as Effect],
      reply: { ok: true, kind: 'done' } as const,
    };
  }

  hear(command: Command): boolean {
    const { taskId: name } = command as unknown as { taskId: string };
    if (name.startsWith('quiet')) this.#log.push(`hear ${name}`);
    return name.startsWith('quiet');
  }

  deadline(): number | null {
    return this.due;
  }
}

class FakeStore {
  readonly committed: string[] = [];
  state: StoreHealth['state'] = 'ok';
  fails: unknown = null;
  /** Commits wait until they are let through. */
  gate: Promise<void> | null = null;
  readonly #log: string[];

  constructor(log: string[]) {
    this.#log = log;
  }

  async commit(epoch: number, changes: readonly Change[]): Promise<void> {
    const names = changes.map((change) => (change as unknown as { name: string }).name).join('+');
    this.#log.push(`commit ${epoch} ${names}`);
    await this.gate;
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (this.fails !== null) throw this.fails;
    this.committed.push(names);
    this.#log.push(`durable ${names}`);
  }

  health(): StoreHealth {
    return { state: this.state, message: null, freeBytes: 0, reserveBytes: 0 };
  }
}

describe('order', () => {
  test('apply, commit, answer, publish, effects: nothing leaves before it is durable', async () => {
    const scene = new Scene();
    await Promise.all([scene.put('a'), scene.put('b')]);
    expect(scene.log).toEqual([
      'apply a',
      'apply b',
      'commit 1 a+b',
      'durable a+b',
      'publish 2',
      'effect a',
      'effect b',
      'answer a',
      'answer b',
    ]);
  });

  test('who has to act before the effects of the batch is answered before them', async () => {
    const scene = new Scene();
    await new Promise<void>((resolve) =>
      scene.loop.post({ kind: 'cancelTask', taskId: 'a' } as unknown as Command, () => {
        scene.log.push('answer a');
        resolve();
      }),
    );
    expect(scene.log).toEqual(['apply a', 'commit 1 a', 'durable a', 'answer a', 'publish 1', 'effect a']);
  });

  test('what comes while a commit is under way becomes one batch', async () => {
    const scene = new Scene();
    const first = scene.put('a');
    await new Promise((resolve) => setTimeout(resolve, 1));
    const rest = Array.from({ length: 50 }, (_, i) => scene.put(`b${i}`));
    await Promise.all([first, ...rest]);
    expect(scene.log.filter((line) => line.startsWith('commit'))).toHaveLength(2);
  });

  test('a command without changes is answered without a commit, but not before those ahead of it', async () => {
    const scene = new Scene();
    await scene.put('quiet');
    expect(scene.log).toEqual(['apply quiet', 'answer quiet']);
    scene.log.length = 0;
    await Promise.all([scene.put('a'), scene.put('quiet')]);
    expect(scene.log.indexOf('answer quiet')).toBeGreaterThan(scene.log.indexOf('durable a'));
  });

  test('reads can wait until what they show is durable', async () => {
    const scene = new Scene();
    const put = scene.put('a');
    await new Promise((resolve) => setTimeout(resolve, 0));
    while (!scene.log.includes('commit 1 a')) await new Promise((resolve) => setTimeout(resolve, 0));
    await scene.loop.settled();
    expect(scene.log).toContain('durable a');
    await put;
    await scene.loop.settled();
  });
});

describe('time', () => {
  test('a tick comes when the engine wants one', async () => {
    const scene = new Scene();
    scene.machine.due = 1_020;
    scene.loop.start();
    scene.now = 1_025;
    await expect.poll(() => scene.log).toContain('apply tick@1025');
    await scene.loop.stop();
  });

  test('signs of life that wait in the mailbox count before the time-out that they disprove', async () => {
    const scene = new Scene();
    scene.machine.due = 2_000;
    let release = (): void => {};
    scene.store.gate = new Promise((resolve) => {
      release = resolve;
    });
    const first = scene.put('a');
    await expect.poll(() => scene.log).toContain('commit 1 a');
    scene.now = 90_000;
    const beat = scene.put('beat', 'heartbeatWorker');
    release();
    await Promise.all([first, beat]);
    await expect.poll(() => scene.log).toContain('apply tick@90000');
    expect(scene.log.indexOf('apply beat')).toBeLessThan(scene.log.indexOf('apply tick@90000'));
    await scene.loop.stop();
  });
});

describe('signs of life', () => {
  test('that change nothing do not wait for the commit of others', async () => {
    const scene = new Scene();
    let release = (): void => {};
    scene.store.gate = new Promise((resolve) => {
      release = resolve;
    });
    const first = scene.put('a');
    await expect.poll(() => scene.log).toContain('commit 1 a');
    await scene.put('quiet beat', 'heartbeatWorker');
    expect(scene.log).toEqual(['apply a', 'commit 1 a', 'hear quiet beat', 'answer quiet beat']);
    release();
    await first;
  });

  test('that came in time and were left over by a long step still count before the time-out', async () => {
    const scene = new Scene();
    const { apply } = scene.machine;
    scene.machine.apply = (command, now) => {
      const until = performance.now() + (command.kind === 'submitTasks' ? 110 : 0);
      while (performance.now() < until);
      return apply.call(scene.machine, command, now);
    };
    const long = scene.put('long', 'submitTasks');
    const beat = scene.put('beat', 'heartbeatWorker');
    scene.machine.due = 1_020;
    scene.now = 1_025;
    await Promise.all([long, beat]);
    await expect.poll(() => scene.log).toContain('apply tick@1025');
    expect(scene.log.indexOf('apply beat')).toBeLessThan(scene.log.indexOf('apply tick@1025'));
    await scene.loop.stop();
  });

  test('that came too late hold up no time-out', async () => {
    const scene = new Scene();
    const { apply } = scene.machine;
    scene.machine.apply = (command, now) => {
      const until = performance.now() + (command.kind === 'submitTasks' ? 110 : 0);
      while (performance.now() < until);
      return apply.call(scene.machine, command, now);
    };
    scene.machine.due = 1_020;
    scene.now = 1_025;
    await Promise.all([scene.put('long', 'submitTasks'), scene.put('beat', 'heartbeatWorker')]);
    expect(scene.log.indexOf('apply tick@1025')).toBeLessThan(scene.log.indexOf('apply beat'));
    await scene.loop.stop();
  });
});

describe('bounds', () => {
  test('a full mailbox answers unavailable, to users and not to workers', async () => {
    const scene = new Scene({ mailboxLimit: 2 });
    const all = ['a', 'b', 'c'].map((name) => scene.put(name));
    const beat = scene.put('beat', 'heartbeatWorker');
    await Promise.all([...all, beat]);
    expect(scene.log).toContain('unavailable c');
    expect(scene.log).toContain('answer beat');
    expect(scene.machine.applied).toEqual(['a', 'b', 'beat']);
  });

  test('after a stop what was accepted is finished, and nothing more is accepted', async () => {
    const scene = new Scene();
    const accepted = scene.put('a');
    await scene.loop.stop();
    await accepted;
    expect(scene.log).toContain('answer a');
    await scene.put('b');
    expect(scene.log).toContain('unavailable b');
  });
});

describe('failures', () => {
  test.each(['store_io', 'stale_epoch', 'store_failed'] as const)(
    '%s stops for good: no answer, no effect, no second try',
    async (code) => {
      const scene = new Scene();
      scene.store.fails = new StoreError(code, 'the disk is gone');
      const outcomes = await Promise.all([scene.put('a'), scene.put('b')]);
      expect(outcomes.every((outcome) => outcome instanceof Unavailable)).toBe(true);
      expect(scene.fatal).toEqual([scene.store.fails]);
      scene.store.fails = null;
      await scene.put('c');
      expect(scene.log).toContain('unavailable c');
      expect(scene.log.filter((line) => /^(effect|publish|answer|durable)/.test(line))).toEqual([]);
      expect(scene.log.filter((line) => line.startsWith('commit'))).toHaveLength(1);
    },
  );

  test('a broken invariant stops with its own words; nothing of the batch is stored', async () => {
    const scene = new Scene();
    await Promise.all([scene.put('a'), scene.put('bug'), scene.put('b')]);
    expect(scene.fatal).toEqual([new Error('the ledger does not add up')]);
    expect(scene.store.committed).toEqual([]);
    expect(scene.log.filter((line) => line.startsWith('unavailable'))).toEqual([
      'unavailable a',
      'unavailable bug',
      'unavailable b',
    ]);
  });

  test('while the disk is full submits are refused and the rest goes on', async () => {
    const scene = new Scene();
    scene.store.state = 'full';
    expect(scene.loop.storeFull()).toBe(true);
    await scene.put('s', 'submitTasks');
    await scene.put('c');
    expect(scene.log).toContain('store_full s');
    expect(scene.log).toContain('answer c');
    scene.store.state = 'ok';
    await scene.put('s2', 'submitTasks');
    expect(scene.log).toContain('answer s2');
  });

  test('reads show nothing that was given up: they are refused until memory is read again', async () => {
    const scene = new Scene();
    scene.store.fails = new StoreError('store_full', 'no space left');
    let ready = (): void => {};
    scene.reload = () =>
      new Promise((resolve) => {
        ready = () => resolve({ engine: new FakeMachine(scene.log), epoch: 2 });
      });
    const put = scene.put('a');
    while (!scene.log.includes('commit 1 a')) await new Promise((resolve) => setTimeout(resolve, 0));
    await expect(scene.loop.settled()).rejects.toBeInstanceOf(Unavailable);
    await put;
    await expect(scene.loop.settled()).rejects.toBeInstanceOf(Unavailable);
    ready();
    await expect.poll(() => scene.loop.epoch).toBe(2);
    await scene.loop.settled();
  });

  test('a batch without room is given up, and memory is read again from the store', async () => {
    const scene = new Scene();
    scene.store.fails = new StoreError('store_full', 'no space left');
    const fresh = new FakeMachine(scene.log);
    let ready = (): void => {};
    scene.reload = () =>
      new Promise((resolve) => {
        ready = () => resolve({ engine: fresh, epoch: 7 });
      });
    await Promise.all([scene.put('s', 'submitTasks'), scene.put('a')]);
    expect(scene.log).toContain('store_full s');
    expect(scene.log).toContain('unavailable a');
    await scene.put('early');
    await scene.put('early s', 'submitTasks');
    expect(scene.log).toContain('unavailable early');
    expect(scene.log).toContain('store_full early s');
    scene.store.fails = null;
    ready();
    await expect.poll(() => scene.loop.engine === (fresh as unknown)).toBe(true);
    await expect.poll(() => scene.loop.storeFull()).toBe(false);
    await scene.put('b');
    expect(scene.log).toContain('commit 7 b');
    expect(scene.fatal).toEqual([]);
    expect(scene.log).not.toContain('effect a');
  });

  test.each(Array.from({ length: 12 }, (_, i) => i))(
    'whatever commit fails, what was answered is stored (fails at %i)',
    async (at) => {
      const scene = new Scene();
      let commits = 0;
      const commit = scene.store.commit.bind(scene.store);
      scene.store.commit = async (epoch, changes) => {
        if (commits++ === at) throw new StoreError('store_io', 'fsync failed');
        await commit(epoch, changes);
      };
      for (let round = 0; round < 6; round += 1)
        await Promise.all([scene.put(`x${round}`), scene.put(`y${round}`).then(() => scene.put(`z${round}`))]);
      const stored = new Set(scene.store.committed.flatMap((names) => names.split('+')));
      for (const line of scene.log) {
        const left = /^(?:answer|effect) (.+)$/.exec(line)?.[1];
        if (left !== undefined) expect(stored).toContain(left);
      }
      expect(scene.fatal.length).toBe(1);
    },
  );
});
