export { type Amounts, capacity, GIB, hello, NO_RETRY, resources, result, type SpecOptions, spec } from './builders.ts';
export { canonical, hashState, hashText, serialise } from './canonical.ts';
export { describe, register, START, type SubmitOptions, scenario, TestCluster } from './cluster.ts';
export { SnapshotSink } from './snapshot-sink.ts';
export { type EndOptions, type ReportOptions, TestWorker } from './worker.ts';
