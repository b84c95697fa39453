import type { Finding } from '@cloudai/store';
import { expect, test } from 'vitest';
import { StoreAudit } from './store-audit.ts';

function auditing(fsck: (signal?: AbortSignal) => Promise<readonly Finding[]>) {
  const told: unknown[] = [];
  const audit = new StoreAudit({
    store: { fsck },
    afterMs: 0,
    now: () => 5_000,
    onFindings: (findings) => told.push(...findings),
    onError: (error) => told.push(error),
  });
  return { audit, told };
}

const FINDING = { invariant: 'I5', message: 'task t has 2 live attempts' };

test('a sound store is called so, with the time', async () => {
  const { audit, told } = auditing(async () => []);
  expect(audit.view).toEqual({ state: 'pending', findings: 0, endedAt: null });
  const running = audit.run();
  expect(audit.view.state).toBe('running');
  await running;
  expect(audit.view).toEqual({ state: 'sound', findings: 0, endedAt: 5_000 });
  expect(told).toEqual([]);
});

test('findings are told and counted', async () => {
  const { audit, told } = auditing(async () => [FINDING]);
  await audit.run();
  expect([audit.view.state, audit.view.findings, told]).toEqual(['findings', 1, [FINDING]]);
});

test('an audit that fails says so; one that is ended with the master does not', async () => {
  const failure = new Error('no such file');
  const failing = auditing(() => Promise.reject(failure));
  await failing.audit.run();
  expect([failing.audit.view.state, failing.told]).toEqual(['failed', [failure]]);
  const ended = auditing(
    (signal) => new Promise((_, reject) => signal!.addEventListener('abort', () => reject(new Error('ended')))),
  );
  const running = ended.audit.run();
  ended.audit.stop();
  await running;
  expect(ended.told).toEqual([]);
});

test('it begins by itself after the start', async () => {
  const begun = Promise.withResolvers<void>();
  const { audit } = auditing(async () => {
    begun.resolve();
    return [];
  });
  audit.start();
  await begun.promise;
  audit.stop();
});
