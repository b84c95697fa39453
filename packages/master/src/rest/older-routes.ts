import { OLDER_ROUTES, type OlderName, type OlderRoute } from '@cloudai/api/rest';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { MasterContext } from '../context.ts';
import type { OperationsLayer } from '../operations/index.ts';
import { openArtifact } from './artifact-reply.ts';
import { endedCookies, sessionCookies } from './cookies.ts';
import type { FailedLogins } from './failed-logins.ts';
import { OLDER_HANDLERS, olderLogin, olderUser } from './older.ts';
import type { Pages } from './pages.ts';

export interface OlderParts {
  readonly context: MasterContext;
  readonly operations: OperationsLayer;
  readonly failedLogins: FailedLogins;
  readonly pages: Pages;
  readonly isSecure: boolean;
}

/** On every answer of an older route: what to use instead, for whoever reads the traffic (RFC 9745, RFC 8288). */
const DEPRECATED = {
  deprecation: '@1767225600',
  link: '</api/v1/openapi.json>; rel="successor-version"',
} as const;

export function addOlderRoutes(app: FastifyInstance, parts: OlderParts): void {
  for (const name of Object.keys(OLDER_ROUTES) as OlderName[]) {
    const { method, path, status, open }: OlderRoute = OLDER_ROUTES[name];
    app.route({
      method,
      url: path.replace('/{path}', '/*').replaceAll(/\{(\w+)\}/g, ':$1'),
      async handler(request, reply) {
        // Under the same address a browser finds the dashboard, which needs no token.
        if (request.caller === null && open !== true && (await parts.pages.send(request, reply))) return reply;
        reply.headers(DEPRECATED);
        const answer = await answerOf(name, parts, request, reply);
        if (answer === reply) return reply;
        return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(answer));
      },
    });
  }
}

/** The answer's body, or the reply itself where it has been given its own form. */
async function answerOf(
  name: OlderName,
  { context, operations, failedLogins, isSecure }: OlderParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { '*': path, ...params } = request.params as Record<string, string>;
  if (name === 'olderLogIn') {
    const opening = operations.logIn(request.id, olderLogin(request.body)).catch((error: unknown) => {
      throw failedLogins.judge(request.ip, error);
    });
    const { session, token, expiresAt } = await opening;
    reply.header('set-cookie', sessionCookies(token, expiresAt, context.now(), isSecure));
    return { message: 'Logged in', user: olderUser(session) };
  }
  const call = { subject: request.caller!.subject, requestId: request.id, idempotencyKey: null };
  if (name === 'olderLogOut') {
    await operations.perform('endSession', call, { params: {}, query: {}, body: undefined });
    reply.header('set-cookie', endedCookies(isSecure));
    return { message: 'Logged out' };
  }
  if (name === 'olderDownload') {
    const input = { params: { task: params.task, path }, query: {}, body: undefined };
    const file = await operations.perform('getArtifact', call, input);
    const { status, headers, stream } = await openArtifact(file, request.headers.range, undefined);
    return reply.code(status).headers(headers).send(stream);
  }
  const query = request.query as Readonly<Record<string, unknown>>;
  return OLDER_HANDLERS[name](operations, { call, params, query, body: request.body });
}
