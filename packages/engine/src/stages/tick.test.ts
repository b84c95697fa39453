import { describe, expect, it } from 'vitest';
import { scenario, spec } from '../testing/index.ts';
import { DUE_PER_TICK } from './tick.ts';

describe('memory', () => {
  it(
    'ended tasks leave it after a while; the store keeps them',
    scenario((cluster) => {
      const id = cluster.submit({ id: 'abcd' });
      cluster.cancel(id);
      cluster.advance(cluster.config.endedMemoryMs - 1);
      expect(cluster.engine.task(id)).not.toBeNull();
      cluster.advance(1);
      expect(cluster.engine.task(id)).toBeNull();
      expect(cluster.engine.findTasks('ab')).toEqual([]);
      expect(cluster.engine.counts().cancelled).toBe(0);
      expect(cluster.sink.tasks.get(id)).toMatchObject({ state: 'cancelled' });
    }),
  );

  it(
    'the oldest first when there are very many (I21)',
    scenario(
      (cluster) => {
        const ids = Array.from({ length: 5 }, () => cluster.submit());
        for (const id of ids) {
          cluster.advance(10);
          cluster.cancel(id);
        }
        cluster.settle();
        expect(ids.filter((id) => cluster.engine.task(id) !== null)).toEqual(ids.slice(2));
      },
      { endedMemoryTasks: 3 },
    ),
  );
});

describe('very many timers at once', () => {
  it(
    'are spread over several ticks, each due at once',
    scenario((cluster) => {
      const at = cluster.now + 1_000;
      const call = (from: number) =>
        cluster.trySubmitAll(
          Array.from({ length: 6_000 }, (_, n) => ({
            id: `x${from + n}`,
            name: null,
            spec: spec({ startAfter: at }),
            retryOf: null,
          })),
        );
      call(0);
      call(6_000);
      cluster.now = at;
      cluster.applyAlone({ kind: 'tick' });
      expect(cluster.engine.counts()).toMatchObject({ queued: DUE_PER_TICK, pending: 12_000 - DUE_PER_TICK });
      expect(cluster.engine.deadline()).toBeLessThanOrEqual(cluster.now);
      cluster.applyAlone({ kind: 'tick' });
      expect(cluster.engine.counts()).toMatchObject({ queued: 12_000 });
    }),
  );
});

describe('time', () => {
  it(
    'never goes back, whatever the clock says (F15)',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      cluster.effects();
      const before = cluster.now;
      cluster.now -= 86_400_000;
      w1.run(id);
      expect(cluster.attempt(id).startedAt).toBe(before);
      expect(cluster.sink.events.at(-1)!.at).toBe(before);
    }),
  );
});

describe('a withdrawn reservation (F12)', () => {
  it(
    'is given back and tried elsewhere; what comes of it later decides nothing',
    scenario((cluster) => {
      const w1 = cluster.worker('w1', { cpu: 1, memory: 1 });
      const w2 = cluster.worker('w2', { cpu: 1, memory: 1 });
      const id = cluster.submit();
      cluster.advance(30_000);
      expect(cluster.attempt(id)).toMatchObject({ state: 'superseded', reason: 'withdrawn', workerId: 'w1' });
      cluster.advance(1_000);
      expect(cluster.attempt(id)).toMatchObject({ number: 2, workerId: 'w2' });
      expect(cluster.effects()).toEqual(['start t1/1 on w1', 'stop t1/1 on w1: withdrawn', 'start t1/2 on w2']);
      expect(w1.starting(id, { attempt: 1 })).toMatchObject({ accepted: false });
      expect(w1.ended(id, 'exit_zero', { attempt: 1 })).toMatchObject({ accepted: false });
      expect(cluster.timeline(id).at(-1)).toBe('late_result');
      expect(cluster.effects()).toEqual(['stop t1/1 on w1: superseded']);
      w2.run(id);
      w2.ended(id);
      expect(cluster.state(id)).toBe('completed(exit_zero)');
    }),
  );
});
