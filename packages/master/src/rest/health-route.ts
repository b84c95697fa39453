/** Whether the master lives and takes work, for load balancers and people. Without a token it says no more than that. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { MasterContext } from '../context.ts';
import { time } from '../views.ts';
import { authenticate } from './authenticate.ts';

export interface HealthParts {
  readonly context: MasterContext;
  isStopping(): boolean;
  /** Streams and watches that are open. */
  clients(): number;
}

export function addHealth(app: FastifyInstance, parts: HealthParts): void {
  const { context } = parts;
  app.get('/health', async (request) => {
    const plain = { status: 'ok', time: time(context.now()) };
    return isKnown(context, request) ? { ...plain, ...counts(parts) } : plain;
  });
  app.get('/ready', async (_request, reply) => {
    const reasons = await reasonsAgainst(parts);
    if (reasons.length === 0) return { status: 'ready' };
    return reply.code(503).send({ status: 'not ready', reasons });
  });
}

/** A wrong token is no error here: whoever asks for health gets an answer. */
function isKnown(context: MasterContext, { headers }: FastifyRequest): boolean {
  try {
    return authenticate(context, { method: 'GET', headers }).subject !== null;
  } catch {
    return false;
  }
}

function counts({ context, clients }: HealthParts): Record<string, number> {
  const workers = context.loop.engine.workers().filter(({ state }) => state !== 'revoked');
  return {
    active_clients: clients(),
    workers: workers.length,
    active_workers: workers.filter(({ state, connected }) => state === 'active' && connected).length,
  };
}

async function reasonsAgainst({ context, isStopping }: HealthParts): Promise<string[]> {
  const reasons: string[] = [];
  if (isStopping()) reasons.push('the master is stopping');
  if (context.loop.storeFull()) reasons.push('the disk of the data directory is full');
  try {
    await context.store.info();
  } catch {
    // What is wrong with it is in the log; here it only matters that it can not be read.
    reasons.push('the store can not be read');
  }
  return reasons;
}
