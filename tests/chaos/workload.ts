// Clients that submit through every fault, tasks whose every line and exit code is known beforehand, and the check that
// each acknowledged one of them ended exactly once with all of its output.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, ConnectionError, type TaskSubmission, type TaskView } from '@cloudai/sdk';
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
  /** Before the submit, so that submits meet as many faults as runs do. */
  readonly pauseMs: number;
  /** After the submit; null leaves it to its end. */
  readonly cancelAfterMs: number | null;
}

export class Workload {
  readonly #cluster: Cluster;
  readonly #plans: readonly Plan[];
  readonly #followers: number;
  readonly #acknowledged = new Map<string, Plan>();
  /** What the master answered to the cancel. */
  readonly #cancelled = new Map<string, TaskView>();
  #repeats = 0;

  /** So many of the tasks are watched live. None where attempts are lost: what a lost one printed is seen, too, then. */
  constructor(cluster: Cluster, random: Chance, count: number, followers = 3) {
    this.#cluster = cluster;
    this.#followers = followers;
    this.#plans = Array.from({ length: count }, (_, index) => plan(`chaos-${random.seed}-${index}`, random));
  }

  /** Submits everything and waits until everything has ended. */
  async run(): Promise<void> {
    const waiting = [...this.#plans];
    const beside: Promise<void>[] = [];
    let followed = 0;
    const meanwhile = (work: Promise<void>) => {
      work.catch(() => undefined); // Reported at the end.
      beside.push(work);
    };
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          await sleep(next.pauseMs);
          const id = await this.#submit(next);
          this.#acknowledged.set(id, next);
          if (next.cancelAfterMs !== null) meanwhile(this.#cancel(id, next.cancelAfterMs));
          else if (followed++ < this.#followers) meanwhile(this.#follow(id, next));
        }
      }),
    );
    await waitForAll(this.#cluster.client, [...this.#acknowledged.keys()]);
    await Promise.all(beside);
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
    let outran = 0;
    for (const [id, { name, lines, exitCode }] of this.#acknowledged) {
      const detail = await client.getTask(id);
      attempts += detail.attempts.length;
      for (const { number, reason, message, startedAt } of detail.attempts.slice(0, -1)) {
        lost.push(`${id}.${number} ${startedAt === null ? 'before its start' : 'while it ran'}: ${reason}, ${message}`);
      }
      const { task } = detail;
      const wasStopped = this.#wasStopped(task);
      if (!wasStopped && this.#cancelled.has(id)) outran++;
      const expected = wasStopped
        ? { name, state: 'cancelled', reason: 'cancelled_by_user' }
        : { name, exitCode, state: exitCode === 0 ? 'completed' : 'failed' };
      expect(task, JSON.stringify(detail.attempts)).toMatchObject(expected);
      if (task.attempt === 0 || unsureLogs.has(`${id}.${task.attempt}`)) continue;
      const { stdout, stderr } = await collectLog(client, id);
      const isCut = tailMayMiss && task.message?.includes('missing from its log') === true;
      if (isCut) cut++;
      if (isCut || wasStopped) {
        const whole = stdout.subarray(0, stdout.lastIndexOf('\n') + 1);
        checkNumberedLines(whole, whole.toString().split('\n').length - 1, `${name} `);
      } else {
        checkNumberedLines(stdout, lines, `${name} `);
        expect(stderr.toString()).toBe(`${name} ends\n`);
      }
    }
    await checkTimeline(client, [...this.#acknowledged.keys()]);
    await checkNothingAllocated(client);
    await until(async () => (await this.#cluster.containers()).length === 0, { what: 'every container to be removed' });
    const { code, stdout, stderr } = await this.#cluster.cli(['fsck', '--data', this.#cluster.masterFolder]);
    expect(code, `${stdout}\n${stderr}`).toBe(0);
    if (outran > 0) console.log(`${outran} tasks ended before their cancel reached them`);
    return { attempts, lost, cut };
  }

  /**
   * A cancel that the master has answered holds, unless the task had ended. What had ended while nobody could hear of it
   * counts, too: then it has its own exit code and all of its output, like any other.
   */
  #wasStopped({ id, state }: TaskView): boolean {
    const answer = this.#cancelled.get(id);
    if (answer === undefined) return false;
    const wasWaiting = answer.state === 'cancelled';
    return wasWaiting || state === 'cancelled';
  }

  async #cancel(id: string, afterMs: number): Promise<void> {
    await sleep(afterMs);
    // The client repeats it over an outage: a cancel can be said twice.
    this.#cancelled.set(id, await this.#cluster.client.cancelTask(id));
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
  const pauseMs = random.between(0, 1000);
  const cancelAfterMs = random.integer(0, 10) === 0 ? random.between(0, 3000) : null;
  const submission = { name, image: IMAGE, command, resources, stopGrace: '1s' };
  return { name, lines, exitCode, submission, pauseMs, cancelAfterMs };
}
