/**
 * `GET /metrics` for Prometheus. It shows names of workers and the load of the cluster, so it is not for everybody: an
 * admin's token opens it, or the token that is made for it, or, where the operator says so, being on this machine.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Rejected } from '../operations/index.ts';
import type { Caller } from './authenticate.ts';
import { isLoopback } from './hosts.ts';
import type { RestOptions } from './options.ts';

export const METRICS_PATH = '/metrics';

/** Throws `Rejected` for whoever may not read them. `authenticate` is asked where no other right is shown. */
export function checkMetricsReader(
  request: FastifyRequest,
  { metricsAccess: access }: Pick<RestOptions, 'metricsAccess'>,
  authenticate: () => Caller,
): void {
  const { authorization } = request.headers;
  const isHere = isLoopback(request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '');
  // A proxy on this machine speaks for others.
  const isForwarded = request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined;
  if (access?.openOnLoopback === true && isHere && !isForwarded && authorization === undefined) return;
  const [, token = null] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
  if (token !== null && access?.token != null && isSame(token, access.token)) return;
  const { subject } = authenticate();
  if (subject.role !== 'admin')
    throw new Rejected(
      'forbidden',
      `Metrics are for admins and for the token of metrics.token, not for ${subject.user}`,
    );
}

export function addMetrics(app: FastifyInstance, { metrics }: Pick<RestOptions, 'metrics'>): void {
  if (metrics === undefined) return;
  app.get(METRICS_PATH, async (_request, reply) => {
    const text = await metrics.text();
    return reply.type(metrics.contentType).send(text);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { operation = null, isStream = false } = request.routeOptions.config as {
      readonly operation?: string;
      readonly isStream?: boolean;
    };
    if (operation === null) return;
    metrics.onRequest(operation, reply.statusCode, isStream ? null : reply.elapsedTime / 1000);
  });
}

/** In a time that says nothing about how much of it was right. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [given, wanted].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a!, b!);
}
