import { describe, expect, it } from 'vitest';
import { scenario } from '../testing/index.ts';

const NO_GRACE = { startGraceMs: 0 };
const STALE = { ok: true, kind: 'reported', accepted: false };

describe('confirming', () => {
  it(
    'ends the reservation time-out; newer progress replaces older without an event',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      cluster.effects();
      w1.starting(id);
      w1.starting(id, { progress: 'pulling 1 of 4 MB' });
      w1.starting(id, { progress: 'pulling 3 of 4 MB' });
      expect(cluster.attempt(id)).toMatchObject({ state: 'starting', expiresAt: null, progress: 'pulling 3 of 4 MB' });
      expect(cluster.timeline(id)).toEqual(['task_submitted', 'task_assigned', 'task_starting']);
      cluster.advance(120_000);
      expect(cluster.state(id)).toBe('assigned');
    }),
  );

  it(
    'a report of the start that comes after that of the run changes nothing',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      cluster.effects();
      w1.running(id);
      const before = cluster.attempt(id);
      expect(w1.starting(id)).toMatchObject({ accepted: true });
      expect(w1.running(id)).toMatchObject({ accepted: true });
      expect(cluster.attempt(id)).toBe(before);
    }),
  );

  it(
    'a start by a clock that is wrong lies between assignment and now (F15)',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 2, memory: 2 });
      const [past, future] = [cluster.submit(), cluster.submit()];
      cluster.effects();
      cluster.advance(1_000);
      w1.running(past, { startedAt: 0 });
      w1.running(future, { startedAt: cluster.now + 86_400_000 });
      expect(cluster.attempt(past).startedAt).toBe(cluster.attempt(past).assignedAt);
      expect(cluster.task(future).startedAt).toBe(cluster.now);
    }),
  );

  it(
    'the image that the first attempt resolved is pinned for the next ones',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit({ retry: { limit: 2 } });
      cluster.effects();
      w1.running(id, { imageDigest: 'sha256:1' });
      w1.ended(id, 'exit_nonzero');
      expect(cluster.takeEffects()).toMatchObject([{ kind: 'startAttempt', attempt: 2, imageDigest: 'sha256:1' }]);
      w1.running(id, { imageDigest: 'sha256:2' });
      expect(cluster.task(id).imageDigest).toBe('sha256:1');
    }),
  );
});

describe('the end', () => {
  it.each([
    ['exit_zero', 'completed(exit_zero)', 'succeeded'],
    ['exit_nonzero', 'failed(exit_nonzero)', 'failed'],
    ['oom', 'failed(oom)', 'failed'],
    ['timeout', 'failed(timeout)', 'failed'],
    ['image_error', 'failed(image_error)', 'failed'],
    ['command_error', 'failed(command_error)', 'failed'],
    ['storage_limit', 'failed(storage_limit)', 'failed'],
    ['log_limit', 'failed(log_limit)', 'failed'],
    ['output_error', 'failed(output_error)', 'failed'],
  ] as const)('%s', (reason, state, attemptState) =>
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      cluster.effects();
      w1.run(id);
      w1.ended(id, reason);
      expect(cluster.state(id)).toBe(state);
      expect(cluster.attempt(id)).toMatchObject({ state: attemptState, reason, endedAt: cluster.now });
    })(),
  );

  it(
    'keeps what the worker measured, and a sentence for people',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const [a, b] = [cluster.submit(), cluster.submit()];
      cluster.effects();
      const artifacts = [{ path: 'result.json', sizeBytes: 12, digest: 'sha256:1' }];
      w1.ended(a, 'exit_nonzero', { exitCode: 3, result: { artifacts, peakMemoryBytes: 7 } });
      expect(cluster.task(a)).toMatchObject({ exitCode: 3, message: 'Exit code 3.' });
      expect(cluster.attempt(a).result).toMatchObject({ artifacts, peakMemoryBytes: 7, exitCode: 3 });
      w1.ended(b, 'oom', { result: { message: 'Used 1.0 GB of 0.5 GB.' } });
      expect(cluster.task(b).message).toBe('Used 1.0 GB of 0.5 GB.');
      cluster.effects();
    }),
  );

  it(
    'a success with a failing exit code is a failure',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      cluster.effects();
      w1.ended(id, 'exit_zero', { exitCode: 2 });
      expect(cluster.state(id)).toBe('failed(exit_nonzero)');
    }),
  );

  it.each(['cancelled_by_user', 'poison', 'worker_lost', 'dependency_failed'] as const)(
    '%s, which nobody asked the worker for, is somebody else’s doing and tried again',
    (reason) =>
      scenario((cluster) => {
        const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
        const id = cluster.submit();
        cluster.effects();
        w1.run(id);
        w1.ended(id, reason);
        expect(cluster.task(id)).toMatchObject({ state: 'pending', infraFailures: 1 });
        expect(cluster.attempt(id)).toMatchObject({ state: 'lost', reason: 'external' });
      })(),
  );
});

describe('a process that can not be killed (F24)', () => {
  it(
    'fails its task at once and keeps its slot until it is gone',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      w1.run(id);
      cluster.cancel(id);
      cluster.effects();
      w1.ended(id, 'stuck');
      expect(cluster.state(id)).toBe('failed(stuck)');
      expect(w1.ended(id, 'stuck')).toMatchObject({ accepted: true });
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 0 });
      w1.ended(id, 'exit_nonzero', { exitCode: 137 });
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 1000 });
      expect(cluster.state(id)).toBe('failed(stuck)');
    }),
  );

  it(
    'and when the worker comes back without it',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      cluster.effects();
      w1.run(id);
      w1.ended(id, 'stuck');
      w1.disconnect();
      w1.connect();
      expect(cluster.attempt(id)).toMatchObject({ state: 'failed', reason: 'stuck' });
      expect(cluster.available('w1')).toMatchObject({ cpuMillis: 1000 });
    }),
  );
});

describe('stale words (I6)', () => {
  it(
    'a session that is over may say nothing: the worker has to say it again in the next one',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      w1.run(id);
      w1.disconnect();
      expect(w1.ended(id)).toMatchObject({ ok: false, code: 'fenced' });
      w1.connect({ found: [{ taskId: id, attempt: 1, phase: 'ended', startedAt: cluster.now }] });
      expect(w1.ended(id, 'exit_zero', { session: 1 })).toMatchObject({ ok: false, code: 'fenced' });
      expect(cluster.state(id)).toBe('running');
      expect(w1.ended(id)).toMatchObject({ accepted: true });
      expect(cluster.state(id)).toBe('completed(exit_zero)');
      cluster.effects();
    }),
  );

  it(
    'the end of an attempt that was given up is kept and decides nothing (F11, F19)',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const w2 = cluster.worker('w2', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      w1.run(id);
      w1.fallSilent();
      cluster.advance(40_000);
      expect(cluster.attempt(id)).toMatchObject({ number: 2, workerId: 'w2' });
      cluster.effects();
      w2.run(id);

      const reply = w1.connect({ found: [{ taskId: id, attempt: 1, phase: 'ended', startedAt: null }] });
      expect(reply).toMatchObject({ abandon: [] });
      expect(w1.ended(id, 'exit_zero', { attempt: 1 })).toEqual(STALE);
      expect(cluster.engine.attempt(id, 1)).toMatchObject({
        state: 'superseded',
        reason: 'worker_lost',
        result: { exitCode: 0 },
      });
      expect(cluster.timeline(id).at(-1)).toBe('late_result');
      expect(cluster.state(id)).toBe('running');
      expect(cluster.allocated('w2')).toMatchObject({ cpuMillis: 1000 });

      // Told again, it is not even noted again.
      expect(w1.ended(id, 'oom', { attempt: 1 })).toEqual(STALE);
      expect(cluster.timeline(id).filter((kind) => kind === 'late_result')).toHaveLength(1);
      w2.ended(id, 'exit_nonzero');
      expect(cluster.state(id)).toBe('failed(exit_nonzero)');
    }, NO_GRACE),
  );

  it(
    'what still runs of a given-up attempt is stopped (F12)',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      cluster.advance(30_000);
      expect(cluster.effects()).toEqual(['start t1/1 on w1', 'stop t1/1 on w1: withdrawn']);
      expect(w1.running(id, { attempt: 1 })).toEqual(STALE);
      expect(cluster.effects()).toEqual(['stop t1/1 on w1: superseded']);
      cluster.advance(1_000);
      expect(cluster.effects()).toEqual(['start t1/2 on w1']);
    }),
  );

  it(
    'a worker can not speak for another one',
    scenario((cluster) => {
      cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      const w2 = cluster.worker('w2', { cpu: 1, memory: 1 });
      cluster.effects();
      expect(w2.ended(id)).toEqual(STALE);
      expect(cluster.state(id)).toBe('assigned');
    }),
  );

  it(
    'a task that has left memory is nobody’s any more',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      cluster.effects();
      w1.ended(id);
      cluster.advance(cluster.config.endedMemoryMs);
      expect(cluster.engine.task(id)).toBeNull();
      expect(w1.ended(id, 'exit_zero', { attempt: 1 })).toEqual(STALE);
    }),
  );
});
