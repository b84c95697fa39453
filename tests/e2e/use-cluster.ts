import { afterAll, afterEach, beforeAll } from 'vitest';
import { Cluster, type ClusterOptions } from './cluster.ts';

/** A cluster for all tests of a file: started before them, closed and searched for leaks after them. */
export function useCluster(options: ClusterOptions = {}): Cluster {
  const cluster = new Cluster(options);
  beforeAll(async () => {
    try {
      await cluster.start();
    } catch (error) {
      throw new Error(`the cluster did not start\n${cluster.report()}`, { cause: error });
    }
  });
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.error(cluster.report());
  });
  afterAll(() => cluster.close());
  return cluster;
}
