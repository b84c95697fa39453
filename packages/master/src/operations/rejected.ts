import type { ErrorCode } from '@cloudai/api/errors';
import type { Rejection } from '@cloudai/engine';

/** An expected refusal on its way to the caller. Transports turn it into their own shape; nothing else is shown. */
export class Rejected extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** When to try again, where that is known. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details?: Readonly<Record<string, unknown>>,
    options: { readonly cause?: unknown; readonly retryAfterSeconds?: number } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'Rejected';
    this.code = code;
    this.details = details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** A value in the request that is not allowed. `field` is its path: `tasks[3].resources.cpu`. */
export function invalid(field: string, message: string): Rejected {
  return new Rejected('invalid_argument', field === '' ? message : `${field}: ${message}`, { field });
}

/** The engine's word as it is passed on. */
export function rejectedBy(rejection: Rejection): Rejected {
  const details = rejection.taskIndex === undefined ? undefined : { taskIndex: rejection.taskIndex };
  return new Rejected(rejection.code, rejection.message, details);
}
