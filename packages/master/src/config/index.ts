/** `@cloudai/master/config`: settings of master and worker, for the commands that start them. */
export { configMarkdown, describeConfig, type SettingInfo } from './describe.ts';
export {
  ConfigError,
  envName,
  type Loaded,
  type LoadOptions,
  loadMasterConfig,
  loadWorkerConfig,
  type MasterValues,
  type WorkerValues,
} from './load.ts';
export { engineConfig, masterOptions, retention } from './options.ts';
