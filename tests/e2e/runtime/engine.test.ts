// The engine dies and comes back while tasks run on it. An engine of the test's own, so that nobody else's tasks do.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PrivateEngine } from '../engine.ts';
import { DockerWorker, type Outcome } from './docker-worker.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index}\n`).join('');
const counting = (count: number, seconds: number) => ({
  shell: `i=0; while [ $i -lt ${count} ]; do echo $i; i=$((i+1)); sleep ${seconds}; done`,
  cpuMillis: 1_000,
});
/** The true exit code, or the word that it is not known; a made-up one in no case. */
function expectOwnOrUnknown(outcome: Outcome | undefined, exitCode: number): void {
  expect([
    ['exit_nonzero', exitCode],
    ['daemon_restart', undefined],
  ]).toContainEqual([outcome?.reason, outcome?.exitCode]);
}
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.each([
  ['with live-restore', true],
  ['without live-restore', false],
])('%s', (_what, liveRestore) => {
  let engine: PrivateEngine;
  let worker: DockerWorker;

  beforeAll(async () => {
    engine = await PrivateEngine.start({ liveRestore });
    worker = new DockerWorker(engine.host);
    await worker.start();
  });
  afterEach(() => worker.isClean());
  afterAll(async () => {
    await worker.close();
    await engine.close();
  });

  test('kill -9 and start again', async () => {
    const long = worker.assign(counting(200, 0.03));
    const short = worker.assign({ shell: 'echo before; sleep 2; echo after; exit 7' });
    for (const key of [long, short]) await worker.master.running(key);
    await worker.master.until(() => worker.master.log(long).bytes.stdout > 50);
    await engine.kill9();
    await worker.master.until(() => /Docker/.test(worker.master.session.heartbeats.at(-1)?.unhealthy ?? ''));
    await sleep(2_500);
    await engine.start();
    const outcomes = [await worker.outcome(long), await worker.outcome(short)];
    if (liveRestore) {
      expect(outcomes[0]).toMatchObject({ reason: 'exit_zero', stdout: numbers(200) });
      // The engine keeps the exit code of what ended without it, or makes one up; never the last words.
      expectOwnOrUnknown(outcomes[1], 7);
      expect(outcomes[1]?.stdout).toBe('before\n');
      if (outcomes[1]?.reason === 'exit_nonzero') expect(outcomes[1].message).toContain('missing from its log');
    } else {
      expect(outcomes[0]).toMatchObject({ reason: 'daemon_restart', exitCode: undefined });
      expectOwnOrUnknown(outcomes[1], 7);
    }
    await worker.master.until(() => worker.master.session.heartbeats.at(-1)?.unhealthy === '');
  });

  test('an orderly restart', async () => {
    const key = worker.assign(counting(200, 0.03));
    await worker.master.until(() => worker.master.log(key).bytes.stdout > 50);
    await engine.stop();
    await sleep(500);
    await engine.start();
    const outcome = await worker.outcome(key);
    if (liveRestore) expect(outcome).toMatchObject({ reason: 'exit_zero', stdout: numbers(200) });
    else expect(['daemon_restart', 'external']).toContain(outcome.reason);
  });

  test('a task that comes while the engine is away runs when it is back', async () => {
    await engine.kill9();
    const key = worker.assign({ shell: 'echo late' });
    await sleep(1_000);
    await engine.start();
    expect(await worker.outcome(key)).toMatchObject({ reason: 'exit_zero', stdout: 'late\n' });
  });

  test('worker and engine die together', async () => {
    const key = worker.assign(counting(150, 0.03));
    const ending = worker.assign({ shell: 'sleep 1; exit 9' });
    await worker.master.until(() => worker.master.log(key).bytes.stdout > 50);
    await worker.master.running(ending);
    await worker.worker.stop();
    await engine.kill9();
    await sleep(1_500);
    await engine.start();
    await worker.run();
    const outcomes = [await worker.outcome(key), await worker.outcome(ending)];
    if (liveRestore) {
      expect(outcomes[0]).toMatchObject({ reason: 'exit_zero', stdout: numbers(150) });
      expectOwnOrUnknown(outcomes[1], 9);
    } else {
      expect(['daemon_restart', 'external']).toContain(outcomes[0]?.reason);
      // It ended by itself before the engine was back.
      expectOwnOrUnknown(outcomes[1], 9);
    }
  });

  test('the engine dies while a dozen tasks start: each runs once, whatever is told', async () => {
    const keys = Array.from({ length: 12 }, () => worker.assign({ shell: 'echo ran; sleep 0.3' }));
    await sleep(400);
    await engine.kill9();
    await sleep(300);
    await engine.start();
    for (const key of keys) {
      const { reason, stdout } = await worker.outcome(key);
      expect(['exit_zero', 'start_error', 'daemon_restart', 'external']).toContain(reason);
      if (reason === 'exit_zero') expect(stdout).toBe('ran\n');
      else expect(['', 'ran\n']).toContain(stdout);
    }
  });
});
