import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { recordedTraces } from '../testing/traces.ts';
import { parseTable } from './csv.ts';
import { readTrace } from './file.ts';
import { OPENB_LISTS, TraceFolder } from './folder.ts';
import { GavelThroughputs, parseGavelJobs } from './gavel.ts';
import { parseArrivals, parseOpenbNodes, parseOpenbPods } from './openb.ts';
import { parsePhilly } from './philly.ts';
import { parseSwf } from './swf.ts';

const source = (...lines: string[]) => ({ name: 'made.csv', text: `${lines.join('\n')}\n` });

test('quoted fields keep commas and doubled quotes', () => {
  const [row] = parseTable(source('# a comment', 'a,b', '"one, ""two""",3'), ['a', 'b']);
  expect([row!.text('a'), row!.integer('b')]).toEqual(['one, "two"', 3]);
});

test.each([
  [source('a'), 'made.csv, line 1: the header lacks b'],
  [source('a,b,c'), 'made.csv, line 1: the header has c, which is not known'],
  [source('a,b', '1'), 'made.csv, line 2: 1 fields, the header names 2'],
  [source('a,b', '"1,2'), 'made.csv, line 2: a double quote is not closed'],
  [source(''), 'made.csv, line 1: no header; expected a,b'],
])('a table that is none is refused with its line: %j', (text, message) => {
  expect(() => parseTable(text, ['a', 'b'])).toThrow(message);
});

test('openb pods: shares, whole devices, permitted models', () => {
  const header =
    'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time';
  const pods = parseOpenbPods(source(header, 'a,1000,10,1,460,T4|P100,LS,Running,5,9,', 'b,1,2,4,1000,,,,,,'));
  expect(pods).toMatchObject([
    { gpuMillis: 460, models: ['T4', 'P100'], createdAt: 5, deletedAt: 9, scheduledAt: null },
    { gpuMillis: 4000, models: [], createdAt: null },
  ]);
  expect(() => parseOpenbPods(source(header, 'a,1,1,2,500,,,,,,'))).toThrow('line 2: 2 GPUs of 500 thousandths');
});

test('openb nodes and request orders', () => {
  const nodes = parseOpenbNodes(
    source('sn,cpu_milli,memory_mib,gpu,model', 'n0,64000,1024,2,P100', 'n1,32000,1024,0,'),
  );
  expect(nodes.map((node) => node.model)).toEqual(['P100', null]);
  const lines = ['pods,42,1,0,1', 'nodes,42,1,0'];
  expect(parseArrivals(source(...lines), 2, 2)).toEqual([{ seed: 42, pods: [1, 0, 1], nodeRanks: [1, 0] }]);
  expect(() => parseArrivals(source(...lines), 1, 2)).toThrow('line 1: 1 is not a row of the 1 pods');
  expect(() => parseArrivals(source(lines[0]!), 2, 2)).toThrow('seed 42 lacks its nodes line');
});

test('SWF: the header, unknown values, the larger of both processor counts', () => {
  const log = parseSwf(source('; MaxProcs: 100', ' 7 3 -1 60 4 -1 -1 8 120 -1 5 2 -1 -1 -1 -1 -1 -1'));
  expect(log.processors).toBe(100);
  expect(log.jobs).toEqual([{ number: 7, submit: 3, run: 60, processors: 8, requestedTime: 120, status: 5, user: 2 }]);
  expect(() => parseSwf(source('; MaxProcs: 100', '1 2 3'))).toThrow('line 2: expected 18 numbers: 1 2 3');
  expect(() => parseSwf(source('1 0 0 1 1 0 0 1 1 1 1 1 1 1 1 1 1 1'))).toThrow('tells neither MaxProcs nor MaxNodes');
});

test('Philly and Gavel', () => {
  expect(parsePhilly(source('vc,submit,duration,gpus', 'x,0,10,2'))).toEqual([
    { virtualCluster: 'x', submit: 0, duration: 10, gpus: 2 },
  ]);
  const jobs = parseGavelJobs(source('job_type,total_steps,arrival,scale_factor', '"A3C (b, 4)",5,1.5,2'));
  expect(jobs).toEqual([{ jobType: 'A3C (b, 4)', steps: 5, arrival: 1.5, scale: 2, priority: 1 }]);
  const rates = new GavelThroughputs(source(`{"v100": {"('A3C (b, 4)', 2)": {"null": 2.5}}}`));
  expect(rates.stepsPerSecond('v100', jobs[0]!)).toBe(2.5);
  expect(() => rates.stepsPerSecond('k80', jobs[0]!)).toThrow('no rate of A3C (b, 4) on 2 k80');
});

test('packed files are read, absent ones named with what is beside them', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cloudai-traces-'));
  try {
    fs.mkdirSync(path.join(folder, 'philly'));
    fs.writeFileSync(path.join(folder, 'philly', 'philly_jobs.csv.gz'), gzipSync('vc,submit,duration,gpus\nx,0,1,1\n'));
    const traces = TraceFolder.open(folder);
    expect(traces.philly()).toHaveLength(1);
    expect(() => traces.swf('lublin-9')).toThrow(/lublin-9\.swf\[\.gz\] does not exist; .* is empty or missing/);
    expect(() => readTrace(path.join(folder, 'none'))).toThrow('can not be read');
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  expect(() => TraceFolder.open(undefined)).toThrow('No traces are given: use --traces DIR or set CLOUDAI_TRACES.');
});

const recorded = recordedTraces();

test.skipIf(recorded === null)('every recorded workload reads', () => {
  const traces = recorded!;
  const nodes = traces.openbNodes();
  expect(nodes).toHaveLength(1213);
  expect(nodes.reduce((sum, node) => sum + node.gpus, 0)).toBe(6212);
  for (const list of OPENB_LISTS) {
    const pods = traces.openbPods(list);
    expect(traces.arrivals(list, pods.length, nodes.length).map((arrival) => arrival.seed)).toEqual([
      ...[42, 43, 44, 45, 46, 47, 48, 49, 50, 51],
    ]);
  }
  const jobs = ['lublin-1', 'lublin-2', 'kth-sp2-early', 'hpc2n-head', 'sdsc-sp2-early', 'sdsc-sp2-raw-head'];
  expect(jobs.map((name) => traces.swf(name).jobs.length)).toEqual([10_000, 10_000, 17_093, 3_170, 40_572, 4_961]);
  expect(traces.swf('lublin-1').processors).toBe(256);
  expect(traces.philly()).toHaveLength(70_783);
  const rates = traces.gavelThroughputs();
  const gavel = traces.gavelJobs('physical_small_test');
  expect(gavel.every((job) => rates.stepsPerSecond('v100', job) > 0)).toBe(true);
  expect(traces.publishedPacking()).toHaveLength(600);
});
