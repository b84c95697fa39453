import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChangeRing } from './change-ring.ts';

interface Change {
  readonly key: string;
  readonly sequence: number;
  readonly row: number;
}

/** A reader of everything from a position on. */
function read(ring: ChangeRing<number>, from: number): Change[] {
  const found: Change[] = [];
  for (let position = from; position < ring.next; position++) {
    const { key, row, sequence, isNewest } = ring.at(position);
    if (isNewest) found.push({ key, row, sequence });
  }
  return found;
}

test('from any sequence a reader meets the newest of every row that changed since, or is told that it can not', () => {
  const commit = fc.record({
    keys: fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1, maxLength: 4 }),
    events: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(commit, { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), (commits, capacity) => {
      const ring = new ChangeRing<number>(capacity, 0);
      const all: Change[] = [];
      let sequence = 0;
      for (const { keys, events } of commits) {
        sequence += events;
        for (const key of keys) {
          ring.add(key, all.length, sequence);
          all.push({ key, row: all.length, sequence });
        }
      }
      for (let after = 0; after <= sequence; after++) {
        const position = ring.positionAfter(after);
        const since = all.filter((change) => change.sequence >= after);
        if (position === null) {
          expect(all.length).toBeGreaterThan(capacity);
          expect(all[all.length - capacity - 1]!.sequence).toBeGreaterThanOrEqual(after);
          continue;
        }
        expect(since.length).toBeLessThanOrEqual(capacity);
        const newest = since.filter((change) => all.findLast(({ key }) => key === change.key) === change);
        expect(read(ring, position)).toEqual(newest);
      }
    }),
  );
});

test('after a reset every reader finds that it is behind', () => {
  const ring = new ChangeRing<number>(10, 0);
  ring.add('a', 1, 5);
  const position = ring.next;
  ring.reset(9);
  expect(position).toBeLessThan(ring.first);
  expect(ring.positionAfter(5)).toBeNull();
  expect(ring.positionAfter(9)).toBe(ring.next);
  ring.add('a', 2, 10);
  expect(read(ring, ring.positionAfter(9)!)).toEqual([{ key: 'a', row: 2, sequence: 10 }]);
});
