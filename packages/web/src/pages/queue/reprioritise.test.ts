import { describe, expect, test } from 'vitest';
import { priorityAt, priorityBetween } from './reprioritise.ts';

const task = (priority: number, second: number) => ({
  priority,
  submittedAt: `2026-11-22T12:00:${String(second).padStart(2, '0')}Z`,
});

describe('between two neighbours', () => {
  test('the priority of the one below is enough for who came earlier', () => {
    expect(priorityBetween(task(10, 1), task(60, 0), task(50, 2))).toBe(50);
  });

  test('who came later needs one more', () => {
    expect(priorityBetween(task(10, 3), task(60, 0), task(50, 2))).toBe(51);
  });

  test('downwards it takes the priority of the one above or less', () => {
    expect(priorityBetween(task(90, 3), task(50, 2), task(40, 4))).toBe(40);
    expect(priorityBetween(task(90, 9), task(50, 2), undefined)).toBe(0);
  });

  test('where it is already nothing changes', () => {
    expect(priorityBetween(task(55, 3), task(60, 0), task(50, 2))).toBe(null);
  });

  test('between equals that came earlier and later there is no exact place: it moves in the right direction', () => {
    expect(priorityBetween(task(50, 9), task(50, 1), task(50, 2))).toBe(51);
  });

  test('it never leaves 0 to 100', () => {
    expect(priorityBetween(task(100, 9), undefined, task(100, 1))).toBe(null);
    expect(priorityBetween(task(50, 9), undefined, task(100, 1))).toBe(100);
  });
});

describe('in a list', () => {
  const items = [task(80, 0), task(50, 1), task(50, 2), task(20, 3)];

  test('to the front', () => {
    expect(priorityAt(items, 3, 0)).toBe(81);
  });

  test('one up among equals', () => {
    expect(priorityAt(items, 2, 1)).toBe(51);
  });

  test('to the end', () => {
    expect(priorityAt(items, 0, 3)).toBe(0);
  });

  test('nowhere', () => {
    expect(priorityAt(items, 1, 1)).toBe(null);
    expect(priorityAt(items, 9, 1)).toBe(null);
  });
});
