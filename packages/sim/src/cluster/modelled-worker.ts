import type { EndReason, FoundAttempt, ReportAttempt, StartAttempt } from '@cloudai/engine';
import type { Job, SimImage, SimWorker } from '../workload/job.ts';
import type { Timing } from './timing.ts';

/** What of an attempt is on the machine. */
export interface LocalAttempt {
  readonly taskId: string;
  readonly number: number;
  readonly job: Job;
  readonly gpus: StartAttempt['gpus'];
  phase: 'starting' | 'running' | 'ended';
  startedAt: number | null;
  endsAt: number;
  /** What its end will be called. */
  outcome: 'exit_zero' | 'exit_nonzero' | 'stopped';
  stopReason: EndReason | null;
}

/** A machine as far as time goes: which images it has, what runs on it, whether it can be reached. */
export class ModelledWorker {
  readonly model: SimWorker;
  readonly attempts = new Map<string, LocalAttempt>();
  session = 0;
  incarnation = 1;
  reachable = true;
  /** Images on its disk; the one used last is the last. */
  readonly #images = new Map<string, number>();
  /** Until when its network is busy with pulls that were asked for before. */
  #pullsDoneAt = 0;

  constructor(model: SimWorker) {
    this.model = model;
  }

  get id(): string {
    return this.model.id;
  }

  /** When the image is there. Pulls share the network, which is as if they came one after the other. */
  imageReadyAt(image: SimImage, now: number, timing: Timing): number {
    const rate = timing.pullBytesPerSecond;
    if (rate === null || image.bytes === 0) return now;
    const known = this.#images.delete(image.name);
    this.#images.set(image.name, image.bytes);
    if (known) return now;
    this.#makeRoom(timing.imageCacheBytes);
    this.#pullsDoneAt = Math.max(now, this.#pullsDoneAt) + (image.bytes / rate) * 1000;
    return Math.ceil(this.#pullsDoneAt);
  }

  /** Power is gone: nothing that ran is there any more, the disk is. */
  crash(): LocalAttempt[] {
    const lost = [...this.attempts.values()];
    this.attempts.clear();
    this.incarnation++;
    this.#pullsDoneAt = 0;
    return lost;
  }

  #makeRoom(limit: number): void {
    let total = 0;
    for (const bytes of this.#images.values()) total += bytes;
    for (const [name, bytes] of this.#images) {
      if (total <= limit || this.#images.size === 1) return;
      this.#images.delete(name);
      total -= bytes;
    }
  }
}

/** What the worker says at hello; `epochMs` is when virtual time began. */
export function foundAttempt({ taskId, number, phase, startedAt }: LocalAttempt, epochMs: number): FoundAttempt {
  return { taskId, attempt: number, phase, startedAt: startedAt === null ? null : epochMs + startedAt };
}

const EXIT_CODES = { exit_zero: 0, exit_nonzero: 1, stopped: 143 };

/** What it says of an attempt that has ended. */
export function endReport(local: LocalAttempt, epochMs: number, now: number): ReportAttempt['report'] {
  const { outcome, stopReason, startedAt } = local;
  return {
    phase: 'ended',
    reason: outcome === 'stopped' ? (stopReason ?? 'external') : outcome,
    result: {
      exitCode: EXIT_CODES[outcome],
      startedAt: startedAt === null ? null : epochMs + startedAt,
      endedAt: now,
      oomInChild: false,
      peakMemoryBytes: null,
      cpuMillisSeconds: null,
      logBytes: { stdout: 0, stderr: 0, dropped: 0 },
      artifacts: [],
      message: null,
    },
  };
}
