import { env } from 'node:process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Reply } from '../command.ts';
import { scenario, TestCluster } from '../testing/index.ts';

const BUDGET = 1_500;

/** A cluster under `external` with two workers, and what agents say to it. */
function external(body: (cluster: TestCluster, agents: Agents) => void): () => void {
  return scenario((cluster) => {
    cluster.worker('w1', { cpu: 4, memory: 4 });
    cluster.worker('w2', { cpu: 4, memory: 4 });
    cluster.apply({ kind: 'useScheduler', placement: 'external', by: 'admin' });
    body(cluster, new Agents(cluster));
  });
}

class Agents {
  readonly #cluster: TestCluster;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  /** Who holds the lease after it. */
  fetch(agent = 'a'): string | null {
    const reply = this.#cluster.apply({ kind: 'leaseScheduler', agent });
    return reply.ok && reply.kind === 'leased' ? reply.agent : null;
  }

  answer(assignments: Readonly<Record<string, string>> = {}, agent = 'a', sequence = this.sequence): Reply {
    return this.#cluster.apply({
      kind: 'commitPlan',
      planner: `external:${agent}`,
      assignments: Object.entries(assignments).map(([taskId, workerId]) => ({ taskId, workerId })),
      claim: { agent, sequence },
    });
  }

  get sequence(): number {
    return this.#cluster.engine.cluster().eventSequence;
  }
}

const PLANNED = { ok: true, kind: 'planned', committed: 1, refused: [] };
const fenced = (message: RegExp) => ({
  committed: 0,
  refused: [expect.objectContaining({ code: 'fenced', message: expect.stringMatching(message) })],
});

describe('under the policy external', () => {
  it(
    'the agent that fetched in time decides, and the record says so',
    external((cluster, agents) => {
      expect(agents.fetch()).toBe('a');
      const id = cluster.submit();
      cluster.advance(1_000);
      expect(agents.fetch()).toBe('a');
      expect(agents.answer({ [id]: 'w2' })).toEqual(PLANNED);
      expect(cluster.effects()).toEqual([`start ${id}/1 on w2`]);
      expect(cluster.attempt(id).placedBy).toBe('external:a');
    }),
  );

  it(
    'the fallback decides as long as no agent has asked',
    external((cluster) => {
      const id = cluster.submit();
      expect(cluster.effects()).toHaveLength(1);
      expect(cluster.attempt(id).placedBy).toMatch(/^balanced\/1: .*; no external scheduler has asked$/);
    }),
  );

  it(
    'an agent that falls silent holds a task up for its budget and no longer',
    external((cluster, agents) => {
      agents.fetch();
      const id = cluster.submit();
      cluster.advance(BUDGET - 10);
      expect(cluster.state(id)).toBe('queued');
      expect(cluster.engine.deadline()).toBe(cluster.engine.lease()!.until);
      cluster.advance(20);
      expect(cluster.effects()).toHaveLength(1);
      expect(cluster.attempt(id).placedBy).toMatch(/; external:a was not heard of within 1500 ms$/);
    }),
  );

  it(
    'an agent that asks and asks and never answers is passed over',
    external((cluster, agents) => {
      agents.fetch();
      const id = cluster.submit();
      const start = cluster.now;
      while (cluster.state(id) === 'queued' && cluster.now < start + 60_000) {
        cluster.advance(100);
        agents.fetch();
      }
      expect(cluster.now - start).toBeLessThanOrEqual(2 * BUDGET);
      expect(cluster.attempt(id).placedBy).toMatch(/; external:a did not answer within 1500 ms$/);
      cluster.effects();
    }),
  );

  it(
    'an agent that is just too late each time can not put the fallback off with its next question',
    external((cluster, agents) => {
      agents.fetch();
      const id = cluster.submit();
      // No tick in between: the question arrives before the timer is looked at.
      cluster.now += BUDGET;
      cluster.applyAlone({ kind: 'leaseScheduler', agent: 'a' });
      expect(cluster.state(id)).toBe('assigned');
      cluster.effects();
    }),
  );

  it(
    'an agent that finds nothing to do keeps its lease by asking, one that answers by answering',
    external((cluster, agents) => {
      for (let n = 0; n < 5; n++) {
        expect(agents.fetch()).toBe('a');
        cluster.advance(1_000);
      }
      const id = cluster.submit({ cpu: 100 });
      for (let n = 0; n < 5; n++) {
        agents.fetch();
        agents.answer();
        cluster.advance(1_000);
      }
      expect(cluster.engine.lease()!.until).toBeGreaterThan(cluster.now);
      expect(cluster.state(id)).toBe('queued');
    }),
  );

  it(
    'a late answer, one of another agent, one of another state and one under another policy are fenced',
    external((cluster, agents) => {
      const early = agents.sequence - 1;
      agents.fetch();
      const id = cluster.submit();
      expect(agents.fetch('b')).toBe('a');
      expect(agents.answer({ [id]: 'w1' }, 'b')).toMatchObject(fenced(/^a holds the lease, not b/));
      expect(agents.answer({ [id]: 'w1' }, 'a', early)).toMatchObject(fenced(/fetch again/));
      expect(agents.answer({ [id]: 'w1' }, 'a', agents.sequence + 1)).toMatchObject(fenced(/fetch again/));
      cluster.now += BUDGET;
      expect(agents.answer({ [id]: 'w1' })).toMatchObject(fenced(/^The lease of a ended 0 ms ago/));
      expect(cluster.effects()).toHaveLength(1);
      expect(agents.fetch('b')).toBe('b');
      cluster.apply({ kind: 'useScheduler', placement: 'greedy', by: 'admin' });
      expect(agents.fetch('b')).toBe(null);
      expect(agents.answer({ [id]: 'w1' }, 'b')).toMatchObject(fenced(/^The placement policy is greedy/));
    }),
  );

  it(
    'each assignment is checked again, and one that fails does not harm the others',
    external((cluster, agents) => {
      agents.fetch();
      const [a, b, c] = [cluster.submit({ cpu: 3 }), cluster.submit({ cpu: 3 }), cluster.submit()];
      const reply = agents.answer({ [a]: 'w1', [b]: 'w1', [c]: 'w9', ghost: 'w1' });
      const refused = [
        { taskId: b, workerId: 'w1', code: 'insufficient_resources' },
        { taskId: c, workerId: 'w9', code: 'worker_unknown' },
        { taskId: 'ghost', workerId: 'w1', code: 'task_unknown' },
      ];
      expect(reply).toMatchObject({ committed: 1, refused });
      expect(cluster.effects()).toEqual([`start ${a}/1 on w1`]);
    }),
  );

  it(
    'a restart of the master ends the lease: what was planned before it is fenced',
    external((cluster, agents) => {
      agents.fetch();
      const id = cluster.submit();
      const seen = agents.sequence;
      cluster.restart();
      expect(agents.answer({ [id]: 'w1' }, 'a', seen)).toMatchObject(fenced(/^No lease is held/));
      cluster.advance(100);
      cluster.effects();
    }),
  );
});

it('no task that has room waits longer than two budgets, whatever the agents do', () => {
  const seed = Number(env.LEASE_SEED ?? 4_711);
  /** What an agent does, and how long after the one before. */
  const step = fc.tuple(fc.constantFrom('fetch', 'answer', 'stale'), fc.constantFrom('a', 'b'), fc.nat(2_000));
  const property = fc.property(fc.array(step, { maxLength: 60 }), fc.nat(3_000), (steps, at) => {
    const cluster = new TestCluster();
    cluster.worker('w1', { cpu: 4, memory: 4 });
    cluster.apply({ kind: 'useScheduler', placement: 'external', by: 'admin' });
    const agents = new Agents(cluster);
    agents.fetch();
    cluster.advance(at);
    const id = cluster.submit();
    const submittedAt = cluster.now;
    for (const [what, agent, wait] of steps) {
      cluster.advance(wait);
      if (what === 'fetch') agents.fetch(agent);
      // An answer that leaves the task out on purpose is the agent's right, so here nobody gives one in time.
      else if (what === 'stale') agents.answer({ [id]: 'w1' }, agent, 0);
      else if (cluster.engine.lease()!.agent !== agent) agents.answer({ [id]: 'w1' }, agent);
    }
    cluster.advance(2 * BUDGET);
    const { assignedAt, placedBy } = cluster.attempt(id);
    expect(assignedAt - submittedAt).toBeLessThanOrEqual(2 * BUDGET + cluster.config.passDelayMs);
    expect(placedBy).toMatch(/^balanced\/1: /);
  });
  fc.assert(property, { seed, numRuns: 300 });
});
