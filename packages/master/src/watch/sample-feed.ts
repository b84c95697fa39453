import type { AttemptUsage, UsageBook, WorkerUsage } from '../context.ts';
import { ChangeRing } from './change-ring.ts';

export interface Sample {
  readonly usage: WorkerUsage;
  /** As JSON, by what their readers may see. */
  readonly texts: Map<string, string>;
}

/** More than there are workers, so that only the newest sample of each counts. */
const SAMPLES = 16_384;

/** What heartbeats measured, in the order in which it came. Only for those who watch: nothing of it is history. */
export class SampleFeed {
  readonly #ring = new ChangeRing<Sample>(SAMPLES, 0);
  #count = 0;

  constructor(usage: Pick<UsageBook, 'onUsage'>) {
    usage.onUsage((worker, measured) => {
      this.#count += 1;
      this.#ring.add(worker, { usage: measured, texts: new Map() }, this.#count);
    });
  }

  get ring(): ChangeRing<Sample> {
    return this.#ring;
  }
}

export type { AttemptUsage, WorkerUsage };
