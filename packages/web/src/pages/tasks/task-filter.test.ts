import { describe, expect, test } from 'vitest';
import { statesOf, taskFilter, toggleState, withFilter } from './task-filter.ts';

describe('the address', () => {
  test('known filters are taken, others are ignored', () => {
    expect(taskFilter({ state: 'running', name: 'a', order: 'oldest', page: 3, evil: '<script>' })).toEqual({
      state: 'running',
      name: 'a',
      order: 'oldest',
    });
  });

  test('a name of digits alone arrives as a number', () => {
    expect(taskFilter({ name: 42 })).toEqual({ name: '42' });
  });

  test.each([{ order: 'sideways' }, { state: '' }, { name: ['a'] }, { owner: null }])('%o is ignored', (search) => {
    expect(taskFilter(search)).toEqual({});
  });
});

test('states are switched one by one', () => {
  const both = toggleState(toggleState({}, 'running'), 'failed');
  expect(both).toEqual({ state: 'running,failed' });
  expect(statesOf(both)).toEqual(['running', 'failed']);
  expect(toggleState(both, 'running')).toEqual({ state: 'failed' });
  expect(toggleState({ state: 'failed' }, 'failed')).toEqual({});
});

test('an empty value takes a filter out', () => {
  expect(withFilter({ name: 'a', owner: 'b' }, 'name', '')).toEqual({ owner: 'b' });
});
