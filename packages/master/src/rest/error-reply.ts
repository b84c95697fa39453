/** Errors on their way out: one shape for all, and nothing in it that the caller should not see. */
import { ERRORS, type ErrorBody, type ErrorCode } from '@cloudai/api/errors';
import { StoreError } from '@cloudai/store';
import { Rejected } from '../operations/index.ts';
import type { RestLog } from './options.ts';

export interface ErrorReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorBody;
}

/** How Fastify's own refusals are called here. */
const FASTIFY_CODES: Readonly<Record<string, readonly [ErrorCode, string | null]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload_too_large', 'The request body is larger than this route takes'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'Send JSON with Content-Type: application/json'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_argument', 'The body has another length than Content-Length says'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid_argument', null],
  FST_ERR_BAD_URL: ['invalid_argument', 'The path is not a valid URL'],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid_argument', 'A part of the path is too long'],
};

export function errorReply(error: unknown, requestId: string, log: RestLog | undefined): ErrorReply {
  const rejected = toRejected(error);
  if (rejected.code === 'internal' || (error instanceof StoreError && error !== rejected.cause))
    log?.error({ err: error, requestId }, 'a request failed');
  const { code, message, details, retryAfterSeconds } = rejected;
  const { status } = ERRORS[code];
  return {
    status,
    headers: {
      ...(Array.isArray(details?.allowed) ? { allow: details.allowed.join(', ') } : {}),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(status === 503 || status === 429 ? { 'retry-after': String(retryAfterSeconds ?? 1) } : {}),
    },
    body: { error: { code, message, requestId, ...(details === undefined ? {} : { details }) } },
  };
}

function toRejected(error: unknown): Rejected {
  if (error instanceof Rejected) return error;
  if (error instanceof StoreError) {
    if (error.code === 'store_full') return new Rejected('store_full', ERRORS.store_full.meaning);
    return new Rejected('unavailable', 'The store of the master can not be read now');
  }
  const { code, message, statusCode } = error as { code?: unknown; message?: unknown; statusCode?: unknown };
  const known = typeof code === 'string' && Object.hasOwn(FASTIFY_CODES, code) ? FASTIFY_CODES[code] : undefined;
  if (known !== undefined) return new Rejected(known[0], known[1] ?? String(message));
  // What a parser of the framework refuses and nothing else.
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new Rejected('invalid_argument', String(message));
  return new Rejected(
    'internal',
    'The master failed to handle this request; its log has the details under the request id',
  );
}
