import { placementPolicy } from '@cloudai/engine';
import { expect, test } from 'vitest';
import { refereePacking } from '../testing/packing-referee.ts';
import { recordedTraces } from '../testing/traces.ts';
import type { Arrival, OpenbNode, OpenbPod } from '../traces/openb.ts';
import { allocationAt, fragmentationCurve, PackingTrial, packingCurve, packingLog } from './packing.ts';

const node = (name: string, gpus: number, model: string | null, cpu = 8): OpenbNode => ({
  ...{ name, gpus, model },
  cpuMillis: cpu * 1000,
  memoryMib: 1024,
});
const pod = (name: string, gpuMillis: number, models: readonly string[] = [], cpu = 1): OpenbPod => ({
  ...{ name, gpuMillis, models },
  cpuMillis: cpu * 1000,
  memoryMib: 1,
  ...{ createdAt: null, scheduledAt: null, deletedAt: null },
});

const nodes = [node('n1', 2, 'T4'), node('n2', 2, 'P100')];
const pods = [pod('p1', 600), pod('p2', 2000), pod('p3', 600, ['T4']), pod('p4', 1000), pod('p5', 0, [], 7)];
const arrival: Arrival = { seed: 1, pods: [0, 1, 2, 3, 4, 2, 2], nodeRanks: [1, 0] };

test('every arrival is decided in its turn, ties by rank, models kept, whole devices exclusive', () => {
  const log = packingLog(new PackingTrial('made', nodes, pods).run(placementPolicy('greedy')!, arrival));
  expect(refereePacking(log, nodes, pods, arrival)).toMatchObject({ problems: [], avoidable: 0 });
  const lines = log.trimEnd().split('\n');
  // Both nodes are alike for the first pod; n2 has the lower rank.
  expect(lines[1]).toBe('1,0,p1,n2,0');
  expect(lines[2]).toBe('1,1,p2,n1,0-1');
  expect(lines[3]).toBe('1,2,p3,,');
});

test('the referee sees what is wrong with a log', () => {
  const log = packingLog(new PackingTrial('made', nodes, pods).run(placementPolicy('greedy')!, arrival));
  const judge = (change: (text: string) => string) => refereePacking(change(log), nodes, pods, arrival);
  expect(judge((text) => text.replace('p1,n2,0', 'p1,,')).avoidable).toBe(1);
  expect(judge((text) => text.replace('p3,,', 'p3,n2,1')).problems[0]).toContain('the wrong model');
  expect(judge((text) => text.replace('p2,n1,0-1', 'p2,n1,0-0')).problems[0]).toContain('a device twice');
  expect(judge((text) => text.replace('p2,n1,0-1', 'p2,n2,0-1')).problems[0]).toContain('more of device 0');
  expect(judge((text) => text.split('\n').toSpliced(3, 1).join('\n')).problems).toHaveLength(2);
});

const recorded = recordedTraces();

test.skipIf(recorded === null).each([
  ['fgd', 'fgd'],
  ['best-fit', 'bestfit'],
  ['dot-product', 'dotprod'],
  ['gpu-packing', 'packing'],
  ['gpu-clustering', 'clustering'],
])(
  '%s takes what its authors published, to 0.02, on the recorded list',
  (policy, published) => {
    const traces = recorded!;
    const all = traces.openbNodes();
    const list = traces.openbPods('default');
    const [first] = traces.arrivals('default', list.length, all.length);
    const trial = new PackingTrial('default', all, list);
    const run = trial.run(placementPolicy(policy)!, first!);
    const verdict = refereePacking(packingLog(run), all, list, first!);
    expect(verdict).toMatchObject({ problems: [], avoidable: 0 });
    const theirs = traces.publishedPacking().find((row) => row.trace === 'default' && row.policy === published);
    expect(allocationAt(packingCurve(run), 130)).toBeCloseTo(verdict.allocation, 10);
    expect(Math.abs(verdict.allocation - theirs!.allocation130)).toBeLessThan(0.02);
    const asked = packingCurve(run);
    const near = fragmentationCurve(trial, run).filter((_, at) => Math.abs(asked[at]!.asked - 130) <= 0.5);
    expect(Math.abs(near.reduce((sum, one) => sum + one, 0) / near.length - theirs!.fragmented130)).toBeLessThan(0.02);
  },
  120_000,
);
