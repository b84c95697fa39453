import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Timers } from './timers.ts';

it('fire by time, then by key, whatever was armed, moved and disarmed before', () => {
  const operation = fc.tuple(fc.nat(20), fc.option(fc.nat(50), { nil: null }));
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const timers = new Timers();
      const expected = new Map<string, number>();
      for (const [who, at] of operations) {
        const key = `k${who}`;
        if (at === null) {
          expect(timers.disarm(key)).toBe(expected.delete(key));
        } else {
          timers.arm(key, at);
          expected.set(key, at);
        }
        expect(timers.size).toBe(expected.size);
        expect(timers.at(key)).toBe(expected.get(key) ?? null);
      }
      const order = [...expected].map(([key, at]) => ({ key, at }));
      order.sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1));
      const fired = [];
      for (let next = timers.takeDue(50); next !== undefined; next = timers.takeDue(50)) fired.push(next);
      expect(fired).toEqual(order);
    }),
  );
});

it('are taken only when they are due', () => {
  const timers = new Timers();
  timers.arm('a', 10);
  expect(timers.takeDue(9)).toBeUndefined();
  expect(timers.takeDue(10)).toEqual({ key: 'a', at: 10 });
  expect(timers.peek()).toBeUndefined();
});
