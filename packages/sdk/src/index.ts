export { ERRORS, type ErrorBody, type ErrorCode, type ErrorEntry } from '@cloudai/api/errors';
export type * from '@cloudai/api/rest';
export type { LogQuery, OperationName, TaskQuery } from '@cloudai/api/routes';
export type * from '@cloudai/api/watch';
export { ApiError } from './api-error.ts';
export {
  type ArtifactContent,
  type CallOptions,
  CloudAI,
  type CloudAIOptions,
  type SubmitOptions,
} from './client.ts';
export { Listing, type ListPage } from './listing.ts';
export { bytesOf } from './log-bytes.ts';
export type { LogRecord } from './log-position.ts';
export { DEFAULT_RETRY, type RetryNotice, type RetryOptions } from './retry.ts';
export type { Timeline } from './timeline.ts';
export { ConnectionError, type ConnectionErrorKind, type Transport } from './transport/transport.ts';
export { isTerminal, type WaitOptions } from './wait.ts';
export type { WatchFilter, WatchListener, WatchUpdate } from './watch/subscription.ts';
export { Watch, type WatchOptions, type WatchState } from './watch/watch.ts';
