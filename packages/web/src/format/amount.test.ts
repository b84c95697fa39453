import { expect, test } from 'vitest';
import { amountWithUnit, requestLine } from './amount.ts';

const resources = { cpuMillis: 500, memoryBytes: 512 * 2 ** 20, storageBytes: 2 ** 30, gpuMillis: 0, custom: {} };

test('a request in a line names only what is asked for', () => {
  expect(requestLine(resources)).toBe('0.5 CPU · 512 MiB');
  expect(requestLine({ ...resources, gpuMillis: 2000, custom: { licence: 1 } })).toBe(
    '0.5 CPU · 512 MiB · 2 GPU · 1 licence',
  );
});

test('one is singular', () => {
  expect(amountWithUnit('cpu', 1000)).toBe('1 core');
  expect(amountWithUnit('cpu', 1500)).toBe('1.5 cores');
  expect(amountWithUnit('gpu', 1000)).toBe('1 GPU');
  expect(amountWithUnit('memory', 2 ** 30)).toBe('1 GiB');
});
