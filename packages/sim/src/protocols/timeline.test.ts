import { expect, test } from 'vitest';
import { scheduler } from '../cluster/scheduler.ts';
import { replay } from '../cluster/virtual-cluster.ts';
import { figuresOf } from '../figures/figures.ts';
import { refereeTimeline } from '../testing/timeline-referee.ts';
import { recordedTraces } from '../testing/traces.ts';
import type { OpenbNode, OpenbPod } from '../traces/openb.ts';
import { couldHold, durationOf, openbWorkload } from '../workload/recorded.ts';
import { timelineLog } from './timeline.ts';

const nodes: OpenbNode[] = [{ name: 'n1', cpuMillis: 4000, memoryMib: 1024, gpus: 2, model: 'T4' }];

function pod(name: string, createdAt: number, seconds: number, gpuMillis: number): OpenbPod {
  const times = { createdAt, scheduledAt: createdAt + 5, deletedAt: createdAt + 5 + seconds };
  return { name, cpuMillis: 1000, memoryMib: 1, gpuMillis, models: [], ...times };
}

const pods = [pod('a', 100, 60, 2000), pod('b', 110, 10, 500), pod('c', 111, 10, 500), pod('d', 112, 30, 1000)];

test('a log of a small replay is valid, and the referee finds the same slowdown', () => {
  const result = replay(openbWorkload(nodes, pods, { from: 0, load: 2 }), { scheduler: scheduler('best-fit') });
  const log = timelineLog(result);
  expect(log.split('\n').slice(1, 4)).toEqual(['pod,node,gpus,start,end', 'a,n1,0-1,0,60', 'b,n1,0,60,70']);
  const verdict = refereeTimeline(log, nodes, pods, 2);
  expect(verdict.problems).toEqual([]);
  expect(figuresOf(result).meanSlowdown).toBeCloseTo(verdict.meanSlowdown, 6);
});

test('the referee sees what is wrong with a log', () => {
  const log = timelineLog(
    replay(openbWorkload(nodes, pods, { from: 0, load: 2 }), { scheduler: scheduler('best-fit') }),
  );
  const judge = (from: string, to: string) => refereeTimeline(log.replace(from, to), nodes, pods, 2).problems.join();
  expect(judge('b,n1,0,60,70', 'b,n1,0,50,60')).toContain('n1 is overfull at 50');
  expect(judge('b,n1,0,60,70', 'b,n1,0,60,69')).toContain('b ran 9 of 10 s');
  expect(judge('b,n1,0,60,70\n', '')).toContain('b never ran');
  expect(judge('b,n1,0,60,70', 'b,n1,7,60,70')).toContain('overfull');
});

test('pods that never ran, came before or fit nowhere are left out', () => {
  const never = { ...pod('never', 120, 5, 0), scheduledAt: null };
  const { jobs } = openbWorkload(nodes, [...pods, never, pod('huge', 130, 5, 8000)], { from: 105, load: 1 });
  expect(jobs.map(({ id }) => id)).toEqual(['b', 'c', 'd']);
});

const recorded = recordedTraces();

test.skipIf(recorded === null)(
  'the recorded list on ten nodes, in time: valid, and both count alike',
  () => {
    const small = recorded!.openbNodes('small');
    const all = recorded!.openbPods('default');
    const from = 9_936_000;
    const result = replay(openbWorkload(small, all, { from, load: 2 }), {
      scheduler: scheduler('best-fit', { starvationMs: null }),
    });
    const able = all.filter(
      (one) => one.createdAt! >= from && durationOf(one) !== null && small.some((node) => couldHold(node, one)),
    );
    const verdict = refereeTimeline(timelineLog(result), small, able, 2);
    expect(verdict.problems).toEqual([]);
    expect(figuresOf(result).meanSlowdown).toBeCloseTo(verdict.meanSlowdown, 4);
  },
  120_000,
);
