import { describe, expect, it } from 'vitest';
import { scenario } from '../testing/index.ts';

describe('a silent worker', () => {
  it(
    'is suspect after 12 s: nothing new goes there, what runs is unknown and keeps its reservation',
    scenario(
      (cluster) => {
        const w1 = cluster.worker('w1', { cpu: 2, memory: 2 });
        const id = cluster.submit();
        w1.run(id);
        w1.fallSilent();
        cluster.advance(11_990);
        expect(cluster.row('w1').state).toBe('active');
        cluster.advance(10);
        expect(cluster.row('w1')).toMatchObject({ state: 'suspect', connected: true });
        expect(cluster.attempt(id).state).toBe('unknown');
        expect(cluster.state(id)).toBe('running');
        expect(cluster.available('w1')).toMatchObject({ cpuMillis: 1000 });
        expect(cluster.state(cluster.submit())).toBe('queued');
        cluster.effects();
      },
      { startGraceMs: 0 },
    ),
  );

  it(
    'that is heard of in time goes on as if nothing had been',
    scenario(
      (cluster) => {
        const w1 = cluster.worker('w1', { cpu: 4, memory: 4 });
        const [starts, runs, stops] = [cluster.submit(), cluster.submit(), cluster.submit()];
        w1.starting(starts);
        w1.run(runs);
        w1.run(stops);
        cluster.cancel(stops);
        w1.fallSilent();
        cluster.advance(20_000);
        cluster.effects();
        w1.heartbeat();
        expect(cluster.row('w1').state).toBe('active');
        expect([starts, runs, stops].map((id) => cluster.attempt(id).state)).toEqual([
          'starting',
          'running',
          'stopping',
        ]);
        expect(cluster.timeline(runs).slice(-2)).toEqual(['attempt_unknown', 'attempt_resumed']);
        // The stop may have been lost in the silence.
        expect(cluster.effects()).toEqual(['stop t3/1 on w1: cancelled_by_user']);
      },
      { startGraceMs: 0 },
    ),
  );

  it(
    'a report is a sign of life as well',
    scenario(
      (cluster) => {
        const w1 = cluster.worker('w1', { cpu: 2, memory: 2 });
        const [a, b] = [cluster.submit(), cluster.submit()];
        w1.run(a);
        w1.run(b);
        w1.fallSilent();
        cluster.advance(20_000);
        w1.ended(a);
        expect(cluster.state(a)).toBe('completed(exit_zero)');
        expect(cluster.attempt(b).state).toBe('running');
        expect(cluster.row('w1').state).toBe('active');
        cluster.effects();
      },
      { startGraceMs: 0 },
    ),
  );

  it(
    'is lost after 30 s: its attempts are given up and tried elsewhere at the cluster’s expense (E-11, E-31)',
    scenario(
      (cluster) => {
        const w1 = cluster.worker('w1', { cpu: 2, memory: 2 });
        const [assigned, starting, running] = [
          cluster.submit({ cpu: 0.5 }),
          cluster.submit({ cpu: 0.5 }),
          cluster.submit({ cpu: 0.5 }),
        ];
        w1.starting(starting);
        w1.run(running);
        w1.fallSilent();
        cluster.advance(30_000);
        expect(cluster.row('w1')).toMatchObject({ state: 'lost', connected: false });
        for (const id of [starting, running]) {
          expect(cluster.engine.attempt(id, 1)).toMatchObject({ state: 'lost', reason: 'worker_lost' });
          expect(cluster.task(id)).toMatchObject({ state: 'pending', userFailures: 0, infraFailures: 1 });
        }
        expect(cluster.task(assigned)).toMatchObject({ infraFailures: 1 });
        expect(cluster.allocated('w1')).toMatchObject({ cpuMillis: 0 });
        expect(cluster.effects().slice(3)).toEqual(['stop t1/1 on w1: withdrawn', 'close w1/1: fenced']);
        cluster.worker('w2', { cpu: 2, memory: 2 });
        cluster.advance(1_000);
        expect(cluster.effects()).toEqual(['start t1/2 on w2', 'start t2/2 on w2', 'start t3/2 on w2']);
      },
      { startGraceMs: 0 },
    ),
  );

  it(
    'once lost can not go on in its old session',
    scenario(
      (cluster) => {
        const w1 = cluster.worker('w1', { cpu: 2, memory: 2 });
        w1.fallSilent();
        cluster.advance(30_000);
        expect(w1.heartbeat()).toMatchObject({ code: 'fenced' });
        expect(w1.connect()).toMatchObject({ session: 2 });
        expect(cluster.row('w1').state).toBe('active');
        cluster.effects();
      },
      { startGraceMs: 0 },
    ),
  );

  it(
    'that said goodbye is suspected and lost like any other',
    scenario(
      (cluster) => {
        const w1 = cluster.worker('w1', { cpu: 2, memory: 2 });
        w1.disconnect();
        cluster.advance(12_000);
        expect(cluster.row('w1').state).toBe('suspect');
        cluster.advance(18_000);
        expect(cluster.row('w1').state).toBe('lost');
      },
      { startGraceMs: 0 },
    ),
  );

  it(
    'jumps to lost in one tick when nobody looked for long',
    scenario(
      (cluster) => {
        cluster.worker('w1', { cpu: 2, memory: 2 }).fallSilent();
        cluster.now += 100_000;
        cluster.apply({ kind: 'tick' });
        expect(cluster.timeline('w1').slice(-2)).toEqual(['worker_suspect', 'worker_lost']);
        cluster.effects();
      },
      { startGraceMs: 0 },
    ),
  );
});

describe('grace after a start of the master', () => {
  it(
    'nobody is suspected for 60 s, and what was assigned gets time to be confirmed',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 2, memory: 2 });
      const [runs, assigned] = [cluster.submit(), cluster.submit()];
      w1.run(runs);
      cluster.advance(29_000);
      cluster.restart();
      expect(cluster.row('w1')).toMatchObject({ state: 'active', connected: false });
      cluster.advance(59_900);
      expect(cluster.row('w1').state).toBe('active');
      expect(cluster.attempt(assigned).state).toBe('assigned');
      cluster.effects();
      w1.connect({ found: [{ taskId: runs, attempt: 1, phase: 'running', startedAt: cluster.now }] });
      expect(cluster.effects()).toEqual(['start t2/1 on w1']);
      expect(cluster.state(runs)).toBe('running');
    }),
  );

  it(
    'who does not come back in that time is lost at its end',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 2, memory: 2 });
      const id = cluster.submit();
      cluster.effects();
      w1.run(id);
      cluster.restart();
      cluster.advance(60_000);
      expect(cluster.row('w1').state).toBe('lost');
      expect(cluster.task(id)).toMatchObject({ state: 'pending', infraFailures: 1 });
    }),
  );
});

describe('poison (F25)', () => {
  it(
    'a task that was young on three different workers that were lost is not tried again',
    scenario(
      (cluster) => {
        const id = cluster.submit();
        for (const name of ['w1', 'w2', 'w3']) {
          const worker = cluster.worker(name, { cpu: 1, memory: 1 });
          cluster.advance(10_000);
          worker.run(id);
          worker.fallSilent();
          cluster.advance(31_000);
        }
        expect(cluster.task(id)).toMatchObject({
          state: 'failed',
          reason: 'poison',
          suspectWorkers: ['w1', 'w2', 'w3'],
        });
        cluster.worker('w4', { cpu: 1, memory: 1 });
        cluster.advance(100_000);
        expect(cluster.effects().filter((effect) => effect.startsWith('start'))).toHaveLength(3);
      },
      { startGraceMs: 0 },
    ),
  );

  it(
    'the same worker three times, or an old task, is no evidence',
    scenario(
      (cluster) => {
        const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
        const old = cluster.submit();
        w1.run(old);
        cluster.advance(61_000);
        w1.fallSilent();
        cluster.advance(30_000);
        expect(cluster.task(old)).toMatchObject({ infraFailures: 1, suspectWorkers: [] });
        cluster.cancel(old);

        const id = cluster.submit();
        for (let n = 0; n < 4; n++) {
          w1.connect();
          cluster.advance(10_000);
          w1.run(id);
          w1.fallSilent();
          cluster.advance(31_000);
        }
        expect(cluster.task(id)).toMatchObject({ infraFailures: 4, suspectWorkers: ['w1'] });
        cluster.effects();
      },
      { startGraceMs: 0 },
    ),
  );
});
