/** The part of the conformance suite that is about jobs. */
import { expect, test } from 'vitest';
import type { JobFilter, Store } from '../store.ts';
import { jobRow } from './rows.ts';

/** Inside of a `describe` of the adapter. */
export function jobConformance(fresh: () => Promise<Store>): void {
  test('a job is found by its id', async () => {
    const store = await fresh();
    await store.commit(1, [{ kind: 'job', row: jobRow('j1', { size: 3 }) }]);
    expect(await store.job('j1')).toEqual(jobRow('j1', { size: 3 }));
    expect(await store.job('j2')).toBeNull();
    expect(await store.task('nobody')).toBeNull();
  });

  test('jobs are listed newest first, in pages without gap or repeat, and filtered', async () => {
    const store = await fresh();
    const rows = Array.from({ length: 23 }, (_, n) =>
      jobRow(`j${n}`, {
        submittedAt: 1_000 + Math.floor(n / 4),
        namespace: n % 3 === 0 ? 'ours' : 'theirs',
        owner: n % 2 === 0 ? 'ada' : 'grace',
        name: n === 5 ? "o'hara" : null,
      }),
    );
    await store.commit(
      1,
      rows.map((row) => ({ kind: 'job', row }) as const),
    );
    const list = async (filter: JobFilter, limit: number) => {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<Store['jobs']>> = await store.jobs(filter, limit, cursor);
        expect(page.items.length).toBeLessThanOrEqual(limit);
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== null);
      return seen;
    };
    const expected = rows
      .toSorted((a, b) => b.submittedAt - a.submittedAt || (a.id < b.id ? -1 : 1))
      .map(({ id }) => id);
    for (const limit of [1, 2, 3, 7, 23, 50]) expect(await list({ namespaces: 'all' }, limit)).toEqual(expected);
    const ours = rows.filter(({ namespace, owner }) => namespace === 'ours' && owner === 'ada').map(({ id }) => id);
    expect((await list({ namespaces: ['ours'], owner: 'ada' }, 2)).sort()).toEqual(ours.sort());
    expect(await list({ namespaces: ['theirs'], name: "o'hara" }, 2)).toEqual(['j5']);
    expect(await list({ namespaces: [] }, 5)).toEqual([]);
    const { next } = await store.jobs({ namespaces: 'all' }, 3, null);
    await expect(store.jobs({ namespaces: ['ours'] }, 3, next)).rejects.toThrow(RangeError);
  });
}
