import { describe, expect, it } from 'vitest';
import { isLive } from './model/attempt.ts';
import { isTerminal } from './model/task.ts';
import { ATTEMPT_MOVES, TASK_MOVES } from './transitions.ts';

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
