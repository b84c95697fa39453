export type { Capacity, CapacityOverrides } from './capacity.ts';
export type { Identity } from './identity.ts';
export { JoinRefused } from './join.ts';
export { type JoinToken, parseJoinToken } from './join-token.ts';
export { parseMasterAddress } from './master-client.ts';
export { EXIT_REFUSED, runWorker, type WorkerEnd, type WorkerHandle, type WorkerOptions } from './process.ts';
export type { Runtime } from './runtimes/runtime.ts';
