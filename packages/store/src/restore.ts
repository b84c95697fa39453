import { resolve } from 'node:path';
import { pathOf } from './open.ts';
import { restoreSqlite } from './sqlite/restore.ts';
import type { Restored, RestoreOptions } from './store.ts';

/**
 * Makes a store from a backup. The backup is audited first and never changed; an existing store is refused, or with
 * `force` kept aside under another name; no master may be running on it.
 *
 * The restored store begins a new epoch, far above all that it and the replaced store have seen, so that a master of
 * before can not commit to it and workers refuse its orders. What happened after the backup is forgotten: an attempt number
 * given then may be given again. That is safe towards workers, because one that comes back with an attempt that the
 * store does not know is told to stop and remove it before it gets new work. Logs and artifacts that are kept outside
 * the store under such a number have to be removed by the caller: `load` tells which attempts exist.
 */
export async function restore(backup: string, url: string, options: RestoreOptions = {}): Promise<Restored> {
  return restoreSqlite(resolve(backup), pathOf(url), options);
}
