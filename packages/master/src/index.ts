export { type CreateClusterOptions, type CreatedCluster, createCluster } from './identity/create-cluster.ts';
export {
  type BackupOptions,
  type BackupResult,
  backupCluster,
  checkCluster,
  type RestoreResult,
  restoreCluster,
} from './maintenance.ts';
export type { MasterOptions } from './options.ts';
export { EXIT, type MasterEnd, type MasterHandle, runMaster, serveMaster } from './process.ts';
export { StartError, type StartErrorCode } from './start-error.ts';
