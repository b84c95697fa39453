/**
 * Pages of other origins (CORS). Off unless origins are configured; then those, to the letter, may call the API with a
 * token of their own. Cookies are never for them.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';

const METHODS = 'GET, POST, PUT, PATCH, DELETE';
const REQUEST_HEADERS =
  'authorization, content-type, idempotency-key, if-match, if-none-match, if-range, range, x-request-id';
const ANSWER_HEADERS =
  'content-disposition, content-range, etag, retry-after, x-cloudai-sequence, x-request-id, accept-ranges';
const PREFLIGHT_SECONDS = '600';

export class CrossOrigin {
  readonly #origins: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  /** Sets the headers of the answer. True for a preflight, which is answered with them alone. */
  allow({ method, headers }: FastifyRequest, reply: FastifyReply): boolean {
    if (this.#origins.size === 0) return false;
    reply.header('vary', 'origin');
    const { origin } = headers;
    if (origin === undefined || !this.#origins.has(origin)) return false;
    reply.headers({ 'access-control-allow-origin': origin, 'access-control-expose-headers': ANSWER_HEADERS });
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false;
    reply.headers({
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': REQUEST_HEADERS,
      'access-control-max-age': PREFLIGHT_SECONDS,
    });
    return true;
  }
}
