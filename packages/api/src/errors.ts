/**
 * The error catalogue: every code that a user can meet, with its HTTP status and what it means.
 * `docs/reference/errors.md` lists the same; a test holds the two together.
 */
export interface ErrorEntry {
  readonly status: number;
  readonly meaning: string;
  /** What the reader can do about it. */
  readonly remedy: string;
}

export const ERRORS = {
  invalid_argument: {
    status: 400,
    meaning: 'A value in the request is not allowed.',
    remedy: 'The message names the field, what was found and what is expected.',
  },
  unauthenticated: {
    status: 401,
    meaning: 'No token, or one that is unknown, expired or revoked.',
    remedy: 'Pass --token, set CLOUDAI_TOKEN, or use the file that `cloudai init` wrote.',
  },
  forbidden: {
    status: 403,
    meaning: 'The role of this user does not allow the operation.',
    remedy: 'Ask an admin, or use a token of another user.',
  },
  not_found: {
    status: 404,
    meaning: 'There is no such thing, or this user may not see it.',
    remedy: 'Check the name; list what exists.',
  },
  ambiguous_id: {
    status: 409,
    meaning: 'The id prefix fits several tasks.',
    remedy: 'Give more characters of the id.',
  },
  method_not_allowed: {
    status: 405,
    meaning: 'The route exists, not with this method.',
    remedy: 'See /api/v1/openapi.json.',
  },
  precondition_failed: {
    status: 412,
    meaning: 'The object has changed since it was read.',
    remedy: 'Read it again, and decide anew.',
  },
  payload_too_large: {
    status: 413,
    meaning: 'The request body is larger than the limit.',
    remedy: 'Split the call.',
  },
  unsupported_media_type: {
    status: 415,
    meaning: 'The body is not of a type that the route reads.',
    remedy: 'Send JSON with Content-Type: application/json.',
  },
  range_not_satisfiable: {
    status: 416,
    meaning: 'The asked range lies outside of the file.',
    remedy: 'Ask for a range below its size.',
  },
  request_timeout: {
    status: 408,
    meaning: 'The request did not arrive in time.',
    remedy: 'Send it again; the same Idempotency-Key makes a repeat safe.',
  },
  header_too_large: {
    status: 431,
    meaning: 'The headers of the request are larger than the limit.',
    remedy: 'Send less of them.',
  },
  misdirected_request: {
    status: 421,
    meaning: 'The Host header names an address that is not served here.',
    remedy: 'Use the address that the master prints, or add the name to rest.hosts.',
  },
  rate_limited: { status: 429, meaning: 'Too many requests.', remedy: 'Wait for the time in Retry-After.' },
  internal: {
    status: 500,
    meaning: 'A defect in the master.',
    remedy: 'Report it with the request id; the master log has the details.',
  },
  unavailable: {
    status: 503,
    meaning: 'The master is starting, stopping or overloaded.',
    remedy: 'Try again; the same Idempotency-Key makes a repeat safe.',
  },
  store_full: {
    status: 503,
    meaning: 'The disk under the data directory is full. Reads, cancels and running tasks go on.',
    remedy: 'Free space; submits work again by themselves.',
  },
  namespace_unknown: {
    status: 404,
    meaning: 'The namespace does not exist or this user is not a member.',
    remedy: 'List namespaces, or ask an admin.',
  },
  user_unknown: { status: 404, meaning: 'No such user.', remedy: 'Create the user first.' },
  token_unknown: { status: 404, meaning: 'No such token.', remedy: 'List tokens.' },
  task_exists: {
    status: 409,
    meaning: 'A task with this id exists.',
    remedy: 'Leave the id out; the master makes one.',
  },
  task_unknown: { status: 404, meaning: 'No such task.', remedy: 'Check the id with `cloudai tasks`.' },
  job_unknown: { status: 404, meaning: 'No such job.', remedy: 'List jobs to see what there is.' },
  task_ended: {
    status: 409,
    meaning: 'The task has ended; nothing about it can change.',
    remedy: 'Use `cloudai task retry` for a new one with the same spec.',
  },
  task_not_ended: {
    status: 409,
    meaning: 'The task has not ended yet.',
    remedy: 'Wait for its end, or cancel it; submit it again to run it twice.',
  },
  task_not_waiting: {
    status: 409,
    meaning: 'The task no longer waits.',
    remedy: 'Only waiting tasks can be re-prioritised.',
  },
  dependency_unknown: {
    status: 400,
    meaning: 'A task to wait for does not exist.',
    remedy: 'Check the ids in dependsOn.',
  },
  dependency_cycle: {
    status: 400,
    meaning: 'The tasks of the call wait for one another in a circle.',
    remedy: 'Break the circle.',
  },
  dependency_failed: {
    status: 409,
    meaning: 'A task to wait for has already failed or was cancelled.',
    remedy: 'Retry it first and name the new task.',
  },
  idempotency_conflict: {
    status: 422,
    meaning: 'The Idempotency-Key was used with another body.',
    remedy: 'Use a new key for a new request.',
  },
  queue_full: {
    status: 429,
    meaning: 'The number of waiting tasks is at its limit.',
    remedy: 'Wait, or raise maxWaitingTasks.',
  },
  insufficient_resources: {
    status: 409,
    meaning: 'The named worker has not enough of a resource available.',
    remedy: 'Leave the worker out to queue the task, or ask for less.',
  },
  worker_exists: {
    status: 409,
    meaning: 'A worker with this id is registered.',
    remedy: 'Choose another id, or ask for a new join token with --renew.',
  },
  worker_unknown: { status: 404, meaning: 'No such worker.', remedy: 'Check the id with `cloudai workers`.' },
  worker_not_registered: {
    status: 403,
    meaning: 'A worker connected that no admin has registered.',
    remedy: 'Run the command that the message names.',
  },
  worker_not_active: {
    status: 409,
    meaning: 'The worker is not connected.',
    remedy: 'Start it, or choose another one.',
  },
  worker_revoked: {
    status: 403,
    meaning: 'The worker was unregistered; its certificate is refused.',
    remedy: 'Register it again and join with the new token.',
  },
  worker_busy: {
    status: 409,
    meaning: 'Tasks still run on the worker.',
    remedy: 'Drain it first, or use --force.',
  },
  join_token_invalid: {
    status: 401,
    meaning: 'The join token is wrong, used or expired.',
    remedy: 'Make a new one with `cloudai register ID --renew`.',
  },
  certificate_superseded: {
    status: 403,
    meaning: 'A newer certificate was issued to this worker id.',
    remedy: 'Somebody joined with the same id; register this machine under its own id.',
  },
  duplicate_identity: {
    status: 409,
    meaning: 'Two processes use the same worker identity.',
    remedy: 'Give the cloned machine its own id: register it and join again.',
  },
  fenced: {
    status: 409,
    meaning: 'The message belongs to an older session, attempt or leader.',
    remedy: 'None needed: a newer one has taken over.',
  },
  scheduler_unknown: {
    status: 400,
    meaning: 'No placement policy of this name.',
    remedy: 'List them with `cloudai scheduler list`.',
  },
  quota_exceeded: {
    status: 409,
    meaning: 'The request is larger than the quota of the namespace.',
    remedy: 'Ask for less, or ask an admin to raise the quota.',
  },
  log_unavailable: {
    status: 404,
    meaning: 'No log of this attempt is kept.',
    remedy: 'It may have been removed by retention, or the attempt never started.',
  },
  artifact_unknown: {
    status: 404,
    meaning: 'The task left no such file in /output.',
    remedy: 'List them with `cloudai artifacts ls`.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

export type ErrorCode = keyof typeof ERRORS;

/** The one shape of every error answer. */
export interface ErrorBody {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly requestId: string;
    /** Field or index to blame, where there is one. */
    readonly details?: Readonly<Record<string, unknown>>;
  };
}
