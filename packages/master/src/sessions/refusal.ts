/** How a refusal reaches a worker: with a code of the catalogue, a text that helps, and whether trying again helps. */
import { Code, ConnectError } from '@connectrpc/connect';

export interface Refusal {
  readonly code: string;
  readonly message: string;
  /** Whether the worker may connect again by itself. */
  readonly retry: boolean;
}

/** Only a person can do something about these. Everything else passes. */
const FINAL: ReadonlySet<string> = new Set([
  'unauthenticated',
  'forbidden',
  'invalid_argument',
  'worker_not_registered',
  'worker_revoked',
  'certificate_superseded',
  'join_token_invalid',
]);

export function refuse(code: string, message: string, retry = !FINAL.has(code)): Refusal {
  return { code, message, retry };
}

const CODES: Readonly<Record<string, Code>> = {
  unauthenticated: Code.Unauthenticated,
  join_token_invalid: Code.Unauthenticated,
  forbidden: Code.PermissionDenied,
  worker_not_registered: Code.PermissionDenied,
  worker_revoked: Code.PermissionDenied,
  certificate_superseded: Code.PermissionDenied,
  invalid_argument: Code.InvalidArgument,
  payload_too_large: Code.ResourceExhausted,
  fenced: Code.Aborted,
  duplicate_identity: Code.Aborted,
  store_full: Code.Unavailable,
  unavailable: Code.Unavailable,
  rate_limited: Code.ResourceExhausted,
};

/** Trailer (and header) that carries the catalogue's code of a failed call. */
export const CODE_HEADER = 'cloudai-code';

/** For calls that are not a session: those can say it in a message of their own. */
export function refusalError({ code, message }: Refusal): ConnectError {
  return new ConnectError(message, CODES[code] ?? Code.FailedPrecondition, { [CODE_HEADER]: code });
}
