import { describe, expect, it } from 'vitest';
import { DEFAULT_ENGINE_CONFIG } from './config.ts';
import { Engine } from './engine.ts';
import { isLive } from './model/attempt.ts';
import { isTerminal } from './model/task.ts';
import { EngineState } from './state.ts';
import { Step } from './step.ts';
import { capacity, hello, register, spec } from './testing/index.ts';
import { ATTEMPT_MOVES, changeAttempt, changeTask, changeWorker, TASK_MOVES } from './transitions.ts';

describe('the tables', () => {
  it('nothing follows the end of a task', () => {
    for (const [state, moves] of Object.entries(TASK_MOVES))
      if (isTerminal(state as keyof typeof TASK_MOVES)) expect(moves).toEqual([]);
  });

  it('an attempt that ended never lives again', () => {
    for (const [state, moves] of Object.entries(ATTEMPT_MOVES))
      if (!isLive(state as keyof typeof ATTEMPT_MOVES)) expect(moves.filter(isLive)).toEqual([]);
  });

  it('every state of a task can be left for an end, and every live state of an attempt too', () => {
    for (const [state, moves] of Object.entries(TASK_MOVES))
      if (!isTerminal(state as keyof typeof TASK_MOVES)) expect(moves.some(isTerminal)).toBe(true);
    for (const [state, moves] of Object.entries(ATTEMPT_MOVES))
      if (isLive(state as keyof typeof ATTEMPT_MOVES)) expect(moves).toContain('lost');
  });
});

describe('a move that is not in a table throws', () => {
  /** One worker with one assigned task. */
  function step(): Step {
    const engine = new Engine();
    engine.apply({ kind: 'recover', epoch: 1 }, 1);
    engine.apply(register('w1', 1), 1);
    engine.apply({ kind: 'joinWorker', workerId: 'w1', joinTokenHash: 'hash-w1', certificateSerial: 'serial-w1' }, 1);
    engine.apply(hello('w1', capacity({ cpu: 4, memory: 4 })), 1);
    const tasks = [{ id: 't1', name: null, spec: spec(), retryOf: null }];
    const rest = { namespace: 'default', owner: 'ann', job: null, idempotency: null, knownOutcomes: {} };
    engine.apply({ kind: 'submitTasks', tasks, ...rest }, 10);
    return new Step(new EngineState(DEFAULT_ENGINE_CONFIG, engine.snapshot()), 20);
  }

  it('of a task', () => {
    const work = step();
    const { state } = work;
    expect(state.tasks.get('t1')!.state).toBe('assigned');
    changeTask(work, 't1', { state: 'failed', reason: 'oom', endedAt: 20 });
    expect(() => changeTask(work, 't1', { state: 'queued' })).toThrow('task t1 can not go from failed to queued');
  });

  it('of an attempt', () => {
    const work = step();
    const attempt = work.state.liveAttempt('t1')!;
    const running = changeAttempt(work, attempt, { state: 'running' });
    expect(() => changeAttempt(work, running, { state: 'assigned' })).toThrow('can not go from running to assigned');
    expect(() => changeAttempt(work, attempt, { state: 'running' })).toThrow('not as it was read');
  });

  it('of a worker', () => {
    expect(() => changeWorker(step(), 'w1', { state: 'registered' })).toThrow('can not go from active to registered');
  });
});
