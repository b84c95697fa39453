import { TASK_STATES } from '@cloudai/api/rest';
import { add, type Resources, ZERO } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { resourcesView, time, timeOrNull } from '../views.ts';
import { namespacesOf, type Operations } from './call.ts';

/** Of the interface, not of the program: it changes with what clients rely on. */
const API_VERSION = 'v1';

export function clusterOperations(context: MasterContext): Pick<Operations, 'getVersion' | 'getCluster'> {
  return {
    getVersion() {
      return { version: context.version, api: API_VERSION, node: process.version };
    },

    /** Capacity and the depth of the queue are everybody's business; tasks are counted where the caller may see them. */
    async getCluster(call) {
      const [stored, oldest, info] = await Promise.all([
        context.store.countTasks({ namespaces: namespacesOf(call, undefined) }),
        context.store.tasks({ namespaces: 'all', states: ['queued'] }, 'oldest', 1, null),
        context.store.info(),
      ]);
      const waitsSince = oldest.items[0]?.queuedAt ?? null;
      const { engine } = context.loop;
      const audit = context.storeAudit();
      const workers: Record<string, number> = {};
      let [total, allocated, available]: [Resources, Resources, Resources] = [ZERO, ZERO, ZERO];
      for (const worker of engine.workers()) {
        if (worker.state === 'revoked') continue;
        workers[worker.state] = (workers[worker.state] ?? 0) + 1;
        // What a silent worker has is no capacity that anybody could use; so the three always add up.
        if (worker.state !== 'active' || worker.capacity === null) continue;
        total = add(total, worker.capacity.resources);
        allocated = add(allocated, engine.allocated(worker.id) ?? ZERO);
        available = add(available, engine.available(worker.id) ?? ZERO);
      }
      return {
        clusterId: context.identity.clusterId,
        version: context.version,
        epoch: engine.cluster().epoch,
        startedAt: time(context.startedAt),
        placement: engine.cluster().placement,
        workers,
        tasks: Object.fromEntries(TASK_STATES.map((state) => [state, stored[state] ?? 0])),
        queueDepth: engine.counts().queued,
        oldestWaitMs: waitsSince === null ? 0 : Math.max(0, context.now() - waitsSince),
        total: resourcesView(total),
        allocated: resourcesView(allocated),
        available: resourcesView(available),
        store: {
          sizeBytes: info.sizeBytes,
          schema: info.schema,
          full: context.loop.storeFull(),
          audit: { state: audit.state, findings: audit.findings, endedAt: timeOrNull(audit.endedAt) },
        },
        loopLagMs: context.loop.lagMs(),
      };
    },
  };
}
