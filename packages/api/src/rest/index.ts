export * from './cluster.ts';
export * from './routes.ts';
export * from './task.ts';
