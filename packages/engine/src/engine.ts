/**
 * The cluster as a state machine: `apply(command, now)` → changes, effects, reply.
 * Synchronous and deterministic; the same commands give the same state, byte for byte.
 */
import type { Change } from './change.ts';
import type { Command, Reply } from './command.ts';
import type { Effect } from './effect.ts';

export interface Applied {
  readonly changes: readonly Change[];
  readonly effects: readonly Effect[];
  readonly reply: Reply;
}
// The class `Engine` follows here: constructor(config, snapshot?), apply, deadline(), explain(taskId, now), reads.
