import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GIB, resources } from '../testing/rows.ts';
import { add, amountOf, firstLacking, fitsIn, namesOf, type Resources, subtract, ZERO } from './resources.ts';

const custom = fc.dictionary(fc.constantFrom('licence', 'fpga', 'constructor', '__proto__'), fc.nat(5), {
  noNullPrototype: true,
});
const anyResources: fc.Arbitrary<Resources> = fc.record({
  cpuMillis: fc.nat(8000),
  memoryBytes: fc.nat(8 * 1024).map((mebibytes) => mebibytes * 2 ** 20),
  storageBytes: fc.nat(8).map((gibibytes) => gibibytes * GIB),
  gpuMillis: fc.nat(4000),
  custom,
});

describe('sums', () => {
  test('taking away what was added gives the same again, byte for byte', () => {
    fc.assert(
      fc.property(anyResources, anyResources, (a, b) => {
        expect(subtract(add(a, b), b)).toEqual(add(a, ZERO));
        expect(JSON.stringify(subtract(add(a, b), b))).toBe(JSON.stringify(add(a, ZERO)));
        expect(JSON.stringify(add(a, b))).toBe(JSON.stringify(add(b, a)));
      }),
    );
  });

  test('a difference below zero is shown, not clamped', () => {
    expect(subtract(resources({ cpu: 1 }), resources({ cpu: 2, custom: { licence: 1 } }))).toEqual(
      resources({ cpu: -1, custom: { licence: -1 } }),
    );
  });
});

describe('what is lacking', () => {
  test('is reported in the order CPU, memory, storage, GPU, then custom resources by name', () => {
    const free = resources({});
    expect(firstLacking(resources({ cpu: 1, memory: 1, storage: 1, gpu: 1 }), free)).toBe('cpu');
    expect(firstLacking(resources({ memory: 1, storage: 1, gpu: 1 }), free)).toBe('memory');
    expect(firstLacking(resources({ storage: 1, gpu: 1, custom: { a: 1 } }), free)).toBe('storage');
    expect(firstLacking(resources({ gpu: 1, custom: { a: 1 } }), free)).toBe('gpu');
    expect(firstLacking(resources({ custom: { b: 1, a: 1 } }), free)).toBe('a');
    expect(firstLacking(resources({ custom: { b: 1, a: 1 } }), resources({ custom: { a: 1 } }))).toBe('b');
  });

  test('A0-6: exactly enough is enough', () => {
    const all = resources({ cpu: 2, memory: 4, storage: 1, gpu: 1, custom: { licence: 2 } });
    expect(fitsIn(all, all)).toBe(true);
    expect(firstLacking(all, resources({ cpu: 1.999, memory: 4, storage: 1, gpu: 1, custom: { licence: 2 } }))).toBe(
      'cpu',
    );
  });

  test('nothing is never lacking, even where less than nothing is left', () => {
    expect(fitsIn(ZERO, resources({ cpu: -1 }))).toBe(true);
    expect(firstLacking(resources({ custom: { constructor: 0 } }), ZERO)).toBe(null);
    expect(firstLacking(resources({ custom: { constructor: 1 } }), ZERO)).toBe('constructor');
  });

  test('agrees with looking at each resource', () => {
    fc.assert(
      fc.property(anyResources, anyResources, (request, free) => {
        const lacking = namesOf(request).filter((name) => amountOf(request, name) > amountOf(free, name));
        expect(firstLacking(request, free)).toBe(lacking[0] ?? null);
      }),
    );
  });
});
