export * as agentWire from './gen/cloudai/agent/v1/agent_pb.js';
export * as workerWire from './gen/cloudai/worker/v1/worker_pb.js';
export * as healthWire from './gen/grpc/health/v1/health_pb.js';
export * as reflectionWire from './gen/grpc/reflection/v1/reflection_pb.js';
export * as userWire from './user.ts';
