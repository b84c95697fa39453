import { expect, it } from 'vitest';
import { spec } from '../testing/index.ts';
import { SpecCache } from './spec-cache.ts';

it('gives one object for equal specs and keeps different ones apart', () => {
  const cache = new SpecCache();
  const first = cache.share(spec({ env: { A: '1' } }));
  expect(cache.share(spec({ env: { A: '1' } }))).toBe(first);
  const other = cache.share(spec({ env: { A: '2' } }));
  expect(other).not.toBe(first);
  expect(other.env).toEqual({ A: '2' });
  expect(cache.share(spec({ env: { A: '1' } }))).toBe(first);
});

it('forgets the oldest beyond its size', () => {
  const cache = new SpecCache(2);
  const [a, b] = [cache.share(spec({ cpu: 1 })), cache.share(spec({ cpu: 2 }))];
  cache.share(spec({ cpu: 3 }));
  expect(cache.share(spec({ cpu: 2 }))).toBe(b);
  expect(cache.share(spec({ cpu: 1 }))).not.toBe(a);
});
