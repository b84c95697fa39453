/** Taking the lead of a cluster: its state as it is stored, under an epoch that no other master has had. */
import { setTimeout as delay } from 'node:timers/promises';
import { Engine, type EngineConfig } from '@cloudai/engine';
import { type Store, StoreError } from '@cloudai/store';

export interface Leading {
  readonly engine: Engine;
  readonly epoch: number;
}

export interface LeadOptions {
  readonly engine: EngineConfig;
  now(): number;
  /** Whether to go on trying while the disk is full. */
  mayWait(): boolean;
  /** Called once, when the first wait begins. */
  onWait(error: StoreError): void;
}

/** How often a full disk is tried again. */
const FULL_RETRY_MS = 1_000;

/** Resolves once the new epoch and the recovered state are durable. */
export async function takeLead(store: Store, options: LeadOptions): Promise<Leading> {
  for (let told = false; ; told = true) {
    try {
      const now = options.now();
      const snapshot = await store.load(now - options.engine.endedMemoryMs);
      const epoch = Math.max((await store.info()).epoch, snapshot.cluster?.epoch ?? 0) + 1;
      const engine = new Engine(options.engine, snapshot);
      const { changes } = engine.apply({ kind: 'recover', epoch }, now);
      await store.commit(epoch, changes);
      return { engine, epoch };
    } catch (error) {
      if (!options.mayWait() || !(error instanceof StoreError && error.code === 'store_full')) throw error;
      if (!told) options.onWait(error);
      await delay(FULL_RETRY_MS);
    }
  }
}
