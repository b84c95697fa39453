/** How long things take between the decisions of the master and the work of a container. Times in ms. */
export interface Timing {
  /** From the commit of a placement to the worker's hands. */
  readonly dispatchMs: number;
  /** From what happens on a worker to the master's knowledge of it. */
  readonly reportMs: number;
  /** Making and starting a container takes something between the two. */
  readonly startMinMs: number;
  readonly startMaxMs: number;
  /** What a worker's network brings, shared by the images that it pulls at once. Null: images are there already. */
  readonly pullBytesPerSecond: number | null;
  /** Images that fit on a worker's disk; those used longest ago go first. */
  readonly imageCacheBytes: number;
  /** From a stop to the death of the process. */
  readonly stopMs: number;
  /** A pass of the scheduler takes this long before what it decided leaves the master. */
  readonly decisionMs: number;
  /** 0: no heartbeats, and nobody is ever missed. */
  readonly heartbeatMs: number;
}

/** Decisions take effect at once: what the published experiments assume. */
export const IDEAL: Timing = {
  dispatchMs: 0,
  reportMs: 0,
  startMinMs: 0,
  startMaxMs: 0,
  pullBytesPerSecond: null,
  imageCacheBytes: 0,
  stopMs: 0,
  decisionMs: 0,
  heartbeatMs: 0,
};

/** Measured on small clusters with Docker: network in milliseconds, containers in tenths of a second, pulls at 1 Gbit/s. */
export const REALISTIC: Timing = {
  dispatchMs: 20,
  reportMs: 30,
  startMinMs: 300,
  startMaxMs: 3_000,
  pullBytesPerSecond: 125_000_000,
  imageCacheBytes: 50 * 2 ** 30,
  stopMs: 500,
  decisionMs: 2,
  heartbeatMs: 5_000,
};

/** A worker that is gone for a while; what ran there is lost with it. */
export interface Outage {
  readonly workerId: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Only the network is gone: containers go on, and the worker brings their results when it is back. */
  readonly partition: boolean;
}
