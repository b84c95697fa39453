import { orderingPolicy } from '@cloudai/engine';
import { expect, test } from 'vitest';
import { refereeBatch } from '../testing/batch-referee.ts';
import { recordedTraces } from '../testing/traces.ts';
import { batchFigures, batchLog, rlsJobs, rlsSequences } from './batch.ts';
import { BATCH_ORDERS, batchSuite, scoreBy } from './batch-suite.ts';
import { type BatchJob, type BatchScore, runByRlsRules } from './rls.ts';

const job = (number: number, submit: number, run: number, processors: number): BatchJob => ({
  ...{ number, submit, run, processors },
  requestedTime: run,
  user: null,
});
const by = (order: string): BatchScore => scoreBy(orderingPolicy(order)!, 10);

test('the chosen job is waited for, even if a better one comes meanwhile', () => {
  const jobs = [job(1, 0, 100, 8), job(2, 10, 50, 10), job(3, 20, 1, 1)];
  const starts = runByRlsRules(jobs, 10, by('sjf-predicted'), false);
  expect(starts.map(({ job: { number }, start }) => [number, start])).toEqual([
    [1, 0],
    [2, 100],
    [3, 150],
  ]);
});

test('backfilling lets what ends before the reservation go first', () => {
  const jobs = [job(1, 0, 100, 8), job(2, 10, 50, 10), job(3, 20, 79, 2), job(4, 21, 90, 2)];
  const starts = runByRlsRules(jobs, 10, by('fifo'), true);
  expect(starts.map(({ job: { number }, start }) => [number, start])).toEqual([
    [1, 0],
    [3, 20],
    [2, 100],
    [4, 150],
  ]);
  const log = batchLog([starts], { len: 4, processors: 10 });
  expect(refereeBatch(log, [jobs], 10)).toEqual({ problems: [], slowdown: batchFigures(starts, 10).slowdown });
});

test('the referee sees what is wrong with a log', () => {
  const jobs = [job(1, 0, 100, 8), job(2, 10, 50, 10)];
  const judge = (...lines: string[]) =>
    refereeBatch(['seq,job,start', ...lines].join('\n'), [jobs], 10).problems.join();
  expect(judge('0,1,0', '0,2,100')).toBe('');
  expect(judge('0,1,0', '0,2,99')).toContain('holds 18 processors at 99');
  expect(judge('0,1,0', '0,2,5')).toContain('job 2 starts at 5, submitted at 10');
  expect(judge('0,1,0')).toContain('1 starts for 2 jobs');
  expect(judge('0,1,0', '0,1,100', '0,2,100')).toContain('a job twice');
});

const recorded = recordedTraces();
const suite = { traces: recorded!, whole: false, starvationSeconds: null };

test.skipIf(recorded === null).each([false, true])(
  'by the published rules every published cell comes out, backfilling %s',
  async (backfill) => {
    const logs = ['lublin-1', 'lublin-2'];
    const { results } = await batchSuite({ ...suite, logs, orders: BATCH_ORDERS, rules: 'rls', backfill });
    const compared = results.filter((one) => one.published !== null);
    expect(compared).toHaveLength(10);
    for (const one of compared) expect(Number(one.slowdown.toFixed(2)), `${one.log} ${one.order}`).toBe(one.published);
  },
  120_000,
);

test.skipIf(recorded === null)(
  'the production engine makes valid schedules of the same sequences',
  async () => {
    const log = recorded!.swf('lublin-1');
    const sequences = rlsSequences(rlsJobs(log));
    const verdicts: { problems: readonly string[]; slowdown: number }[] = [];
    const { results } = await batchSuite({
      ...{ ...suite, logs: ['lublin-1'], orders: ['saf'], rules: 'free', backfill: true },
      onLog: (_name, _order, text) => verdicts.push(refereeBatch(text, sequences, log.processors)),
    });
    expect(verdicts).toEqual([{ problems: [], slowdown: expect.closeTo(results[0]!.slowdown, 8) }]);
  },
  60_000,
);
