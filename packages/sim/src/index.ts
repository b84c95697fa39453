export { type CompareOptions, type Comparison, compare } from './compare.ts';
export {
  BATCH_ORDERS,
  type BatchResult,
  type BatchSuite,
  type BatchSuiteOptions,
  batchSuite,
} from './protocols/batch-suite.ts';
export {
  type PackingResult,
  type PackingSuite,
  type PackingSuiteOptions,
  packingSuite,
} from './protocols/packing-suite.ts';
export { timelineLog } from './protocols/timeline.ts';
export { TraceError } from './traces/file.ts';
export { OPENB_LISTS, TraceFolder } from './traces/folder.ts';
export { type TrainedModel, type TrainingState, type TrainOptions, train, trainingPage } from './training/train.ts';
export { recordedWorkload, type WorkloadChoice } from './workload/choose.ts';
export { madeOutages } from './workload/outages.ts';
export { SYNTHETIC, type SyntheticOptions, synthetic } from './workload/synthetic.ts';
