import { describe, expect, test } from 'vitest';
import { SteadyClock } from './clock.ts';

function setup() {
  const time = { wall: 1_000_000, monotonic: 50 };
  const clock = new SteadyClock({ wall: () => time.wall, monotonic: () => time.monotonic });
  const pass = (ms: number, step = 100): number => {
    const before = clock.now();
    for (let left = ms; left > 0; left -= step) {
      time.wall += Math.min(step, left);
      time.monotonic += Math.min(step, left);
      clock.sample();
    }
    return clock.now() - before;
  };
  return { time, clock, pass };
}

describe('the clock for decisions', () => {
  test('goes with the wall clock while nothing happens', () => {
    const { clock, pass } = setup();
    expect(clock.now()).toBe(1_000_000);
    expect(pass(10_000)).toBe(10_000);
  });

  test.each([2, -2])('a jump of the wall clock by %i years moves it by a twentieth at most', (years) => {
    const { time, pass } = setup();
    time.wall += years * 365 * 86_400_000;
    expect(Math.abs(pass(30_000) - 30_000)).toBeLessThanOrEqual(1_501);
  });

  test('never goes back', () => {
    const { time, clock, pass } = setup();
    let last = clock.now();
    for (let i = 0; i < 200; i += 1) {
      time.wall += (i % 7) * 1000 - 3_000;
      pass(10, 10);
      expect(clock.now()).toBeGreaterThanOrEqual(last);
      last = clock.now();
    }
  });

  test('stands still while the process was stopped, and catches up slowly', () => {
    const { time, clock, pass } = setup();
    const before = clock.now();
    time.wall += 40_000;
    time.monotonic += 40_000;
    expect(clock.now() - before).toBeLessThanOrEqual(105);
    const gone = pass(20_000);
    expect(gone).toBeGreaterThan(20_500);
    expect(gone).toBeLessThanOrEqual(21_000);
  });

  test('a slow commit does not count', () => {
    const { clock, pass } = setup();
    const before = clock.now();
    // The event loop went on meanwhile, so the time has been counted; it is taken back by standing still.
    pass(9_000);
    clock.forgive(9_000);
    pass(9_000);
    expect(clock.now() - before).toBeLessThanOrEqual(9_500);
  });
});
