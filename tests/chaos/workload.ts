// Clients that submit through every fault, tasks whose every line and exit code is known beforehand, and the check that
// each acknowledged one of them ended exactly once with all of its output.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, ConnectionError, type TaskSubmission } from '@cloudai/sdk';
import { expect } from 'vitest';
import { checkNothingAllocated, checkNumberedLines, checkTimeline, collectLog, waitForAll } from '../e2e/checks.ts';
import { type Cluster, IMAGE } from '../e2e/cluster.ts';
import { until } from '../e2e/wait.ts';
import type { Chance } from './seed.ts';

const CLIENTS = 4;
/** How long a client goes on with one submit: every outage is shorter. */
const PATIENCE_MS = 60_000;

interface Plan {
  readonly name: string;
  readonly lines: number;
  readonly exitCode: number;
  readonly submission: TaskSubmission;
}

export class Workload {
  readonly #cluster: Cluster;
  readonly #plans: readonly Plan[];
  readonly #acknowledged = new Map<string, Plan>();
  #repeats = 0;

  readonly #followers: number;

  /** So many of the tasks are watched live. None where attempts are lost: what a lost one printed is seen, too, then. */
  constructor(cluster: Cluster, random: Chance, count: number, followers = 3) {
    this.#cluster = cluster;
    this.#followers = followers;
    this.#plans = Array.from({ length: count }, (_, index) => plan(`chaos-${random.seed}-${index}`, random));
  }

  /** Submits everything and waits until everything has ended. */
  async run(): Promise<void> {
    const waiting = [...this.#plans];
    const following: Promise<void>[] = [];
    const follow = (id: string, plan: Plan) => {
      const seen = this.#follow(id, plan);
      seen.catch(() => undefined); // Reported at the end.
      following.push(seen);
    };
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          const id = await this.#submit(next);
          this.#acknowledged.set(id, next);
          if (following.length < this.#followers) follow(id, next);
        }
      }),
    );
    await waitForAll(this.#cluster.client, [...this.#acknowledged.keys()]);
    await Promise.all(following);
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** Submits that had to be repeated because the answer did not come. */
  get repeats(): number {
    return this.#repeats;
  }

  /**
   * Everything that was promised. Answers how many attempts there were in all, why some did not count, and how many logs
   * said of themselves that their end is missing: allowed only where somebody else can lose it. Of some attempts, named
   * `<task>.<number>`, the log may not be looked at.
   */
  async check({ tailMayMiss = false, unsureLogs = new Set<string>() } = {}): Promise<{
    readonly attempts: number;
    readonly lost: readonly string[];
    readonly cut: number;
  }> {
    const { client } = this.#cluster;
    const names = (await client.listTasks().take(100_000)).map(({ name }) => name);
    expect(new Set(names).size, 'no submit made two tasks').toBe(names.length);
    let attempts = 0;
    const lost: string[] = [];
    let cut = 0;
    for (const [id, { name, lines, exitCode }] of this.#acknowledged) {
      const detail = await client.getTask(id);
      attempts += detail.attempts.length;
      for (const { number, reason, message, startedAt } of detail.attempts.slice(0, -1)) {
        lost.push(`${id}.${number} ${startedAt === null ? 'before its start' : 'while it ran'}: ${reason}, ${message}`);
      }
      const expected = { name, exitCode, state: exitCode === 0 ? 'completed' : 'failed' };
      expect(detail.task, JSON.stringify(detail.attempts)).toMatchObject(expected);
      if (unsureLogs.has(`${id}.${detail.task.attempt}`)) continue;
      const log = await collectLog(client, id);
      if (tailMayMiss && detail.task.message?.includes('missing from its log')) {
        cut++;
        const whole = log.stdout.toString().split('\n').slice(0, -1);
        checkNumberedLines(log.stdout.subarray(0, log.stdout.lastIndexOf('\n') + 1), whole.length, `${name} `);
        continue;
      }
      checkNumberedLines(log.stdout, lines, `${name} `);
      expect(log.stderr.toString()).toBe(`${name} ends\n`);
    }
    await checkTimeline(client, [...this.#acknowledged.keys()]);
    await checkNothingAllocated(client);
    await until(async () => (await this.#cluster.containers()).length === 0, { what: 'every container to be removed' });
    const { code, stdout, stderr } = await this.#cluster.cli(['fsck', '--data', this.#cluster.masterFolder]);
    expect(code, `${stdout}\n${stderr}`).toBe(0);
    return { attempts, lost, cut };
  }

  /** Until it is acknowledged. An answer that did not come is *unknown*: the same key makes asking again safe. */
  async #submit({ name, submission }: Plan): Promise<string> {
    const client = this.#cluster.clientWith({ retries: 0 });
    const until = performance.now() + PATIENCE_MS;
    try {
      for (;;) {
        try {
          return (await client.submitTask(submission, { idempotencyKey: name })).id;
        } catch (error) {
          const expected = error instanceof ConnectionError || (error instanceof ApiError && error.status === 503);
          if (!expected || performance.now() > until) throw error;
          this.#repeats++;
          await sleep(50);
        }
      }
    } finally {
      client.close();
    }
  }

  async #follow(id: string, { name, lines }: Plan): Promise<void> {
    const { stdout, end } = await collectLog(this.#cluster.client, id, { follow: true });
    checkNumberedLines(stdout, lines, `${name} `);
    expect(end).not.toBeNull();
  }
}

function plan(name: string, random: Chance): Plan {
  const lines = random.integer(1, 40);
  const exitCode = random.integer(0, 4) === 0 ? random.integer(1, 100) : 0;
  const pause = random.between(0, 0.06).toFixed(3);
  const command = `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo "${name} $i"; sleep ${pause}; done; echo "${name} ends" >&2; exit ${exitCode}`;
  const resources = { cpu: '250m', memory: '16Mi', storage: '16Mi' };
  return { name, lines, exitCode, submission: { name, image: IMAGE, command, resources } };
}
