/**
 * The rules of RLScheduler's environment (D. Zhang et al., RLScheduler, SC 2020; DIR-LAB/deep-batch-scheduler): the
 * order is asked for one job at a time, and the chosen job is waited for, whatever comes meanwhile. With backfilling,
 * jobs that come first and will be over before the chosen one can start go before it.
 */

/** Seconds and processors. */
export interface BatchJob {
  readonly number: number;
  readonly submit: number;
  readonly run: number;
  readonly processors: number;
  /** What the scheduler may know of the run time. */
  readonly requestedTime: number;
  readonly user: number | null;
}

/** What a job is chosen by: the smallest first, ties to the one that came first. */
export type BatchScore = (job: BatchJob, now: number) => number;

export interface BatchStart {
  readonly job: BatchJob;
  readonly start: number;
}

/** In the order of the starts. `jobs` ascending by submit time. */
export function runByRlsRules(
  jobs: readonly BatchJob[],
  processors: number,
  score: BatchScore,
  backfill: boolean,
): BatchStart[] {
  const machine = new Machine(jobs, processors);
  while (machine.next()) {
    const job = first(machine.queue, (one) => score(one, machine.now));
    if (backfill) waitWithBackfill(machine, job);
    else while (!machine.fits(job)) machine.forward();
    machine.begin(job);
  }
  return machine.starts;
}

/** First come, first served among those that end, as requested, before the reservation of `job`. */
function waitWithBackfill(machine: Machine, job: BatchJob): void {
  if (machine.fits(job)) return;
  const reserved = machine.earliestFor(job);
  while (!machine.fits(job)) {
    for (const other of machine.queue.toSorted((a, b) => a.submit - b.submit))
      if (machine.now + other.requestedTime < reserved && machine.fits(other)) machine.begin(other);
    machine.forward();
  }
}

class Machine {
  now: number;
  readonly queue: BatchJob[] = [];
  readonly starts: BatchStart[] = [];
  readonly #jobs: readonly BatchJob[];
  #running: BatchStart[] = [];
  #free: number;
  #arrived = 0;

  constructor(jobs: readonly BatchJob[], processors: number) {
    this.#jobs = jobs;
    this.#free = processors;
    this.now = jobs[0]?.submit ?? 0;
  }

  /** Goes on to where a job waits; false at the end. */
  next(): boolean {
    while (this.queue.length === 0) {
      if (this.#arrived === this.#jobs.length) return false;
      this.forward();
    }
    return true;
  }

  fits(job: BatchJob): boolean {
    return job.processors <= this.#free;
  }

  begin(job: BatchJob): void {
    const started = { job, start: this.now };
    this.#free -= job.processors;
    this.#running.push(started);
    this.starts.push(started);
    this.queue.splice(this.queue.indexOf(job), 1);
  }

  /** To the next arrival or, if that comes before it, the next end. */
  forward(): void {
    const arriving = this.#jobs[this.#arrived];
    const ending = first(this.#running, endOf);
    if (arriving !== undefined && (ending === undefined || arriving.submit <= endOf(ending))) {
      this.now = Math.max(this.now, arriving.submit);
      this.queue.push(arriving);
      this.#arrived++;
      return;
    }
    if (ending === undefined) throw new RangeError('a job asks for more processors than the machine has');
    this.now = Math.max(this.now, endOf(ending));
    this.#free += ending.job.processors;
    this.#running = this.#running.filter((one) => one !== ending);
  }

  /** When there will be room, going by what was requested. */
  earliestFor(job: BatchJob): number {
    let free = this.#free;
    let at = this.now;
    for (const { job: other, start } of this.#running.toSorted((a, b) => plannedEnd(a) - plannedEnd(b))) {
      free += other.processors;
      at = start + other.requestedTime;
      if (free >= job.processors) break;
    }
    return at;
  }
}

function endOf({ job, start }: BatchStart): number {
  return start + job.run;
}

function plannedEnd({ job, start }: BatchStart): number {
  return start + job.requestedTime;
}

/** The one with the smallest value, the earlier of equals. Throws never; undefined for an empty list. */
function first(list: readonly BatchJob[], value: (one: BatchJob) => number): BatchJob;
function first(list: readonly BatchStart[], value: (one: BatchStart) => number): BatchStart | undefined;
function first<T>(list: readonly T[], value: (one: T) => number): T | undefined {
  let best = list[0];
  let least = best === undefined ? 0 : value(best);
  for (const one of list) {
    const its = value(one);
    if (its < least) {
      best = one;
      least = its;
    }
  }
  return best;
}
