/** What users say over gRPC, generated from `proto/cloudai/user`. */
export * from './gen/cloudai/user/v1/cluster_pb.js';
export * from './gen/cloudai/user/v1/task_pb.js';
export * from './gen/cloudai/user/v1/telemetry_pb.js';
export * from './gen/cloudai/user/v1/user_pb.js';
