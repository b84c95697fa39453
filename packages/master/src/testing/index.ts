/** Masters, workers and clients for tests and load, over the real protocols. */
export { Bench, type BenchOptions } from './bench.ts';
export {
  type DownMessage,
  FAKE_CAPACITY,
  FakeSession,
  FakeWorker,
  type HelloInit,
  type Up,
  type WorkerIdentity,
} from './fake-worker.ts';
export { type Script, ScriptedWorker, type ScriptedWorkerOptions } from './scripted-worker.ts';
export { eventually, TestMaster, type TestMasterOptions } from './test-master.ts';
