import { expect, test } from 'vitest';
import { schedulerNames } from './cluster/scheduler.ts';
import { compare } from './compare.ts';
import { SYNTHETIC, synthetic } from './workload/synthetic.ts';

const workload = synthetic();
/** For a machine that has other things to do. */
const TIME_LIMIT_MS = 120_000;

test(
  'a hundred tasks on five workers: every scheduler finishes them, table, CSV and page agree on who ran',
  async () => {
    const names = schedulerNames();
    const result = await compare({ workload, seed: 1, timing: 'realistic' });
    expect(result.warnings).toEqual([]);
    expect(result.figures.map((one) => [one.scheduler, one.completed])).toEqual(names.map((name) => [name, 100]));
    expect(result.table.split('\n')).toHaveLength(names.length + 1);
    expect(result.csv.trimEnd().split('\n')).toHaveLength(names.length + 1);
    for (const name of names) expect(result.html).toContain(`<td>${name}</td>`);
  },
  TIME_LIMIT_MS,
);

test(
  'the page needs nothing from elsewhere and runs no script',
  async () => {
    const { html } = await compare({ workload, seed: 1, timing: 'ideal', schedulers: ['round-robin', 'balanced'] });
    expect(html.match(/<svg /g)!.length).toBeGreaterThanOrEqual(7);
    expect(html).not.toMatch(/<script|<link|<img|src=|@import|url\(|https?:/);
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  },
  TIME_LIMIT_MS,
);

test(
  'the same seed gives the same bytes, another one others',
  async () => {
    const once = (seed: number) =>
      compare({ workload: synthetic({ ...SYNTHETIC, seed }), seed, timing: 'realistic', schedulers: ['balanced'] });
    const [first, second, other] = [await once(7), await once(7), await once(8)];
    expect(second.html).toBe(first.html);
    expect(second.csv).toBe(first.csv);
    expect(other.csv).not.toBe(first.csv);
  },
  TIME_LIMIT_MS,
);

test(
  'a scheduler that nobody knows is refused with those that are known',
  async () => {
    await expect(compare({ workload, seed: 1, timing: 'ideal', schedulers: ['fastest'] })).rejects.toThrow(
      'There is no scheduler fastest; there are round-robin,',
    );
  },
  TIME_LIMIT_MS,
);

test(
  'a step that takes too long is told of',
  async () => {
    let now = 0;
    const clock = () => (now += 30);
    const { warnings } = await compare({
      workload,
      seed: 1,
      timing: 'ideal',
      schedulers: ['greedy'],
      clock,
      slowStepMs: 20,
    });
    expect(warnings).toEqual(['greedy took 30 ms for one step, more than 20 ms.']);
  },
  TIME_LIMIT_MS,
);
