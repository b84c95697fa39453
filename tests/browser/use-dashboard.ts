import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Cluster } from '../e2e/cluster.ts';
import { Dashboard } from './dashboard.ts';

/** One browser for all tests of a file, fresh pages for each. */
export function useDashboard(cluster: Cluster): Dashboard {
  const dashboard = new Dashboard(cluster);
  beforeAll(() => dashboard.start());
  afterEach(async () => {
    await dashboard.closePages();
    expect(dashboard.takeErrors(), 'errors in the console').toEqual([]);
  });
  afterAll(() => dashboard.close());
  return dashboard;
}
