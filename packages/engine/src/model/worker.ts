import type { Resources } from './resources.ts';

/** A GPU as the worker found it. */
export interface GpuDevice {
  readonly index: number;
  readonly uuid: string;
  readonly model: string;
  readonly memoryBytes: number;
}

/** What a worker offers, as it says in its hello. */
export interface WorkerCapacity {
  readonly resources: Resources;
  readonly gpus: readonly GpuDevice[];
}

/**
 * registered  known, never connected: it has a join token, perhaps a certificate
 * active      connected and heard of lately
 * suspect     silent for longer than `suspectMs`: no new placements
 * lost        silent for longer than `lostMs`: its attempts were given up
 * revoked     unregistered; its certificate is refused. Kept so that the refusal can say why.
 */
export type WorkerState = 'registered' | 'active' | 'suspect' | 'lost' | 'revoked';

export interface Worker {
  readonly id: string;
  readonly state: WorkerState;
  /** As given by the admin at `register`; never overwritten by a worker. */
  readonly address: string | null;
  /** Where its connection came from last. */
  readonly remoteAddress: string | null;
  readonly version: string | null;
  readonly capacity: WorkerCapacity | null;
  /** Labels the worker reports of itself (os, arch, gpu model) ... */
  readonly detectedLabels: Readonly<Record<string, string>>;
  /** ... and labels an operator gave, which win. */
  readonly labels: Readonly<Record<string, string>>;
  /** +1 with every accepted hello; older sessions are fenced. */
  readonly session: number;
  /** Random number of the worker process; two live ones with one identity are a clone. */
  readonly incarnation: string | null;
  readonly connected: boolean;
  readonly lastSeenAt: number | null;
  readonly drain: { readonly since: number; readonly deadlineAt: number | null; readonly reason: string | null } | null;
  /** Reported by the worker: it can not run anything now (Docker down, disk full), and why. */
  readonly unhealthy: string | null;
  /** SHA-256 (hex) of the one-time join token and its expiry; null once used. */
  readonly joinToken: { readonly hash: string; readonly expiresAt: number } | null;
  /** Serial of the newest certificate; older ones are refused. */
  readonly certificateSerial: string | null;
  readonly registeredAt: number;
}
