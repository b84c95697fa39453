export * as workerWire from './gen/cloudai/worker/v1/worker_pb.js';
