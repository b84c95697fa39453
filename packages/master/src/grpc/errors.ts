/** The error catalogue as gRPC status: the nearest code, and the catalogue's own as a detail. */
import { create, type JsonObject } from '@bufbuild/protobuf';
import { userWire } from '@cloudai/api';
import { ERRORS, type ErrorCode } from '@cloudai/api/errors';
import { Code, ConnectError } from '@connectrpc/connect';
import { errorReply } from '../rest/error-reply.ts';
import type { RestLog } from '../rest/options.ts';

/** By HTTP status; what differs is in `CODES`. */
const STATUS: Readonly<Record<number, Code>> = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  404: Code.NotFound,
  405: Code.Unimplemented,
  408: Code.DeadlineExceeded,
  409: Code.FailedPrecondition,
  412: Code.FailedPrecondition,
  413: Code.ResourceExhausted,
  415: Code.InvalidArgument,
  416: Code.OutOfRange,
  421: Code.PermissionDenied,
  422: Code.FailedPrecondition,
  429: Code.ResourceExhausted,
  431: Code.ResourceExhausted,
  500: Code.Internal,
  503: Code.Unavailable,
};

const CODES: Partial<Record<ErrorCode, Code>> = {
  task_exists: Code.AlreadyExists,
  worker_exists: Code.AlreadyExists,
  fenced: Code.Aborted,
  duplicate_identity: Code.Aborted,
  // Clients repeat what is unavailable at once, and a disk does not empty itself.
  store_full: Code.ResourceExhausted,
};

export function grpcCode(code: ErrorCode): Code {
  return CODES[code] ?? STATUS[ERRORS[code].status] ?? Code.Unknown;
}

/** What the caller is told. A deadline that has passed and a call that was given up stay what they are. */
export function connectError(error: unknown, requestId: string, log: RestLog | undefined): ConnectError {
  if (error instanceof ConnectError) return error;
  const { headers, body } = errorReply(error, requestId, log);
  const { code, message, details } = body.error;
  const retryAfter = headers['retry-after'];
  const info = create(userWire.ErrorInfoSchema, {
    code,
    requestId,
    ...(details === undefined ? {} : { details: JSON.parse(JSON.stringify(details)) as JsonObject }),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: Number(retryAfter) }),
  });
  return new ConnectError(message, grpcCode(code), undefined, [{ desc: userWire.ErrorInfoSchema, value: info }]);
}
