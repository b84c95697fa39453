import { describe, expect, test } from 'vitest';
import { Rejected } from '../operations/index.ts';
import { FailedLogins } from './failed-logins.ts';

const WRONG = new Rejected('unauthenticated', 'The token is unknown, expired or revoked');

function counter(mostAMinute = 3) {
  const clock = { now: 1_000 };
  const failed = new FailedLogins(mostAMinute, () => clock.now);
  const fail = (address: string) => failed.judge(address, WRONG) as Rejected;
  return { clock, failed, fail };
}

describe('failures from one address', () => {
  test('are told to wait when they are too many in a minute, and then may go on', () => {
    const { clock, fail } = counter();
    for (let n = 0; n < 3; n += 1) expect(fail('10.0.0.1')).toBe(WRONG);
    clock.now += 20_000;
    expect(fail('10.0.0.1')).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 40 });
    expect(fail('10.0.0.2')).toBe(WRONG);
    clock.now += 40_000;
    expect(fail('10.0.0.1')).toBe(WRONG);
  });

  test('are one for all addresses of a network of version 6, and not for two networks', () => {
    const { fail } = counter(1);
    fail('2001:db8:1:2::1');
    expect(fail('2001:db8:1:2:ffff::7').code).toBe('rate_limited');
    expect(fail('2001:db8:1:3::1').code).toBe('unauthenticated');
    expect(fail('::ffff:10.0.0.1').code).toBe('unauthenticated');
    expect(fail('::ffff:10.0.0.2').code).toBe('unauthenticated');
  });

  test('other refusals are none', () => {
    const { failed } = counter(0);
    const forbidden = new Rejected('forbidden', 'no');
    const bug = new Error('bug');
    expect([failed.judge('a', forbidden), failed.judge('a', bug)]).toEqual([forbidden, bug]);
    expect(failed.size).toBe(0);
  });
});

test('the memory for addresses is bounded, and forgets what is over', () => {
  const { clock, failed, fail } = counter();
  for (let n = 0; n < 20_000; n += 1) fail(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  expect(failed.size).toBeLessThanOrEqual(10_000);
  clock.now += 60_000;
  fail('10.9.9.9');
  expect(failed.size).toBe(1);
});
