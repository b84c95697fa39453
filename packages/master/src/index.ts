export { clientConfigDir } from './identity/client-context.ts';
export { type CreateClusterOptions, type CreatedCluster, createCluster } from './identity/create-cluster.ts';
export { EXIT, type MasterEnd, type MasterHandle, type MasterOptions, runMaster, serveMaster } from './process.ts';
export { StartError, type StartErrorCode } from './start-error.ts';
