import { ERRORS, type ErrorBody, type ErrorCode } from '@cloudai/api/errors';

/** The server answered with an error. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly status: number;
  /** Names the request in the master's log; empty when something in between answered. */
  readonly requestId: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** When the server wants to be asked again, ms from now. */
  readonly retryAfterMs: number | null;

  constructor(status: number, error: ErrorBody['error'], retryAfterMs: number | null = null) {
    super(error.message);
    this.retryAfterMs = retryAfterMs;
    this.code = error.code;
    this.status = status;
    this.requestId = error.requestId;
    this.details = error.details ?? {};
  }

  /** What the reader can do about it, from the catalogue. */
  get remedy(): string {
    return ERRORS[this.code].remedy;
  }

  /** The shape in which the API sends it. */
  toJSON(): ErrorBody {
    const { code, message, requestId, details } = this;
    return { error: { code, message, requestId, details } };
  }
}

/** Understands the API's error body, and makes the best of an answer from something in between. */
export function toApiError(status: number, body: string, host: string, retryAfter: string | null): ApiError {
  const error = parse(body) ?? {
    code: codeForStatus(status),
    message: `${host} answered with HTTP ${status} and no error of the CloudAI API; is this the address of a master?`,
    requestId: '',
  };
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new ApiError(status, error, Number.isFinite(seconds) ? seconds * 1000 : null);
}

function parse(body: string): ErrorBody['error'] | null {
  try {
    const { error } = JSON.parse(body) as Partial<ErrorBody>;
    return error !== undefined && Object.hasOwn(ERRORS, error.code) ? error : null;
  } catch {
    return null; // Not JSON: a proxy's page, or no CloudAI at all.
  }
}

function codeForStatus(status: number): ErrorCode {
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  if (status === 413) return 'payload_too_large';
  if (status === 429) return 'rate_limited';
  if (status < 500) return 'invalid_argument';
  return status >= 502 && status <= 504 ? 'unavailable' : 'internal';
}
