export * from './bulk.ts';
export * from './cluster.ts';
export * from './openapi.ts';
export * from './operations.ts';
export * from './routes.ts';
export * from './session.ts';
export * from './task.ts';
export * from './telemetry.ts';
