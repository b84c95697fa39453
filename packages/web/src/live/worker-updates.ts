import type { UsageView, WorkerView } from '@cloudai/sdk';

export type WorkerUpdate =
  | { readonly kind: 'row'; readonly worker: WorkerView }
  | { readonly kind: 'usage'; readonly id: string; readonly usage: UsageView; readonly at: string }
  | { readonly kind: 'gone'; readonly id: string };

/** Rows stay in the order of their ids; the newer usage stays when a row brings an older one. */
export function updateWorkers(rows: readonly WorkerView[], updates: readonly WorkerUpdate[]): readonly WorkerView[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const update of updates) {
    if (update.kind === 'gone') byId.delete(update.id);
    else if (update.kind === 'row') {
      const before = byId.get(update.worker.id)?.usage ?? null;
      byId.set(update.worker.id, { ...update.worker, usage: newer(before, update.worker.usage) });
    } else {
      const row = byId.get(update.id);
      if (row !== undefined)
        byId.set(update.id, { ...row, usage: newer(row.usage, update.usage), lastSeenAt: update.at });
    }
  }
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function newer(a: UsageView | null, b: UsageView | null): UsageView | null {
  if (a === null || b === null) return b ?? a;
  return a.at > b.at ? a : b;
}
