/**
 * Time for decisions. It starts at the wall clock and goes on with the monotonic one, so that a jump of the wall clock
 * expires nothing. It stands still while this process is stalled (stopped, swapped out, waiting for its disk): the
 * workers' signs of life wait in socket buffers then, and their leases must not run out meanwhile. What it lost, or
 * what the wall clock was set by, it catches up with at a twentieth of its speed, which no time-out notices.
 */
export interface ClockOptions {
  readonly wall?: () => number;
  readonly monotonic?: () => number;
}

/** A longer silence of the event loop is a stall. */
const STALL_MS = 1_000;
/** How often the loop shows that it is alive; a stall counts from the last sign. */
const SAMPLE_MS = 100;
const SLEW = 0.05;
/** `lagMs` speaks of the last one to two windows. */
const LAG_WINDOW_MS = 5_000;

export class SteadyClock {
  readonly #wall: () => number;
  readonly #monotonic: () => number;
  #last: number;
  #time: number;
  #windowStart: number;
  #lag = 0;
  #lagBefore = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ClockOptions = {}) {
    this.#wall = options.wall ?? Date.now;
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#last = this.#monotonic();
    this.#windowStart = this.#last;
    this.#time = this.#wall();
  }

  /** Unix ms, whole, never going back. */
  now(): number {
    this.sample();
    return Math.floor(this.#time);
  }

  /** The longest delay of the event loop of late, ms. */
  lagMs(): number {
    return Math.round(Math.max(this.#lag, this.#lagBefore));
  }

  /** Takes back time that passed while nothing could be decided, such as a slow commit. */
  forgive(ms: number): void {
    this.sample();
    this.#last += ms;
  }

  /** Begins to watch the event loop. */
  start(): void {
    this.#last = this.#monotonic();
    this.#timer ??= setInterval(() => this.sample(), SAMPLE_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  sample(): void {
    const now = this.#monotonic();
    const gone = now - this.#last;
    // `forgive` set the mark ahead of the clock: stand still until it is reached.
    if (gone <= 0) return;
    this.#last = now;
    this.#noteLag(now, gone);
    const step = gone > STALL_MS ? SAMPLE_MS : gone;
    const behind = this.#wall() - (this.#time + step);
    this.#time += step + Math.max(-SLEW * step, Math.min(SLEW * step, behind));
  }

  #noteLag(now: number, gone: number): void {
    if (this.#timer === null) return;
    if (now - this.#windowStart > LAG_WINDOW_MS) {
      this.#lagBefore = this.#lag;
      this.#lag = 0;
      this.#windowStart = now;
    }
    this.#lag = Math.max(this.#lag, gone - SAMPLE_MS);
  }
}
