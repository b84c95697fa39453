export type * from './messages.ts';
export * from './protocol.ts';
export type * from './requests.ts';
