import { expect, test } from 'vitest';
import { matches } from './worker-match.ts';

const worker = {
  id: 'gpu-7',
  state: 'active' as const,
  address: '10.0.0.7:9000',
  remoteAddress: null,
  labels: { zone: 'b', gpu: 'A100' },
  drain: { since: '', deadlineAt: null, reason: null },
};

test.each(['', 'GPU-7', 'active zone=b', '10.0.0', 'draining', 'a100'])('%j finds it', (text) => {
  expect(matches(worker, text)).toBe(true);
});

test.each(['lost', 'zone=a', 'gpu-7 zone=c'])('%j does not', (text) => {
  expect(matches(worker, text)).toBe(false);
});
