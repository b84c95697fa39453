/**
 * The highest epoch that a master of this cluster has shown. One master leads per epoch; a lower one is a master of
 * before, e.g. one that was started again from an old copy of its disk, and what it orders no longer holds.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';

const FILE = 'epoch.json';

interface Kept {
  readonly clusterId: string;
  /** Decimal. */
  readonly epoch: string;
}

export class EpochFloor {
  readonly #directory: string;
  readonly #clusterId: string;
  readonly #warn: (error: unknown) => void;
  #epoch: bigint;
  #writing: Promise<void> = Promise.resolve();

  private constructor(directory: string, clusterId: string, epoch: bigint, warn: (error: unknown) => void) {
    this.#directory = directory;
    this.#clusterId = clusterId;
    this.#epoch = epoch;
    this.#warn = warn;
  }

  /** `warn` hears of writes that failed: the floor then holds until this process ends. */
  static async load(directory: string, clusterId: string, warn: (error: unknown) => void): Promise<EpochFloor> {
    const kept = await read(path.join(directory, FILE));
    return new EpochFloor(directory, clusterId, kept?.clusterId === clusterId ? BigInt(kept.epoch) : 0n, warn);
  }

  get epoch(): bigint {
    return this.#epoch;
  }

  /** False for an epoch that is over. A higher one becomes the floor at once and is written down behind the scenes. */
  accept(epoch: bigint): boolean {
    if (epoch < this.#epoch) return false;
    if (epoch > this.#epoch) {
      this.#epoch = epoch;
      this.#writing = this.#writing.then(() => this.#write(epoch)).catch(this.#warn);
    }
    return true;
  }

  /** Resolves when all is written that was accepted. */
  settled(): Promise<void> {
    return this.#writing;
  }

  async #write(epoch: bigint): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const file = path.join(this.#directory, FILE);
    const handle = await open(`${file}.new`, 'w', 0o600);
    try {
      const kept: Kept = { clusterId: this.#clusterId, epoch: String(epoch) };
      await handle.writeFile(JSON.stringify(kept));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.new`, file);
  }
}

async function read(file: string): Promise<Kept | null> {
  try {
    const { clusterId, epoch } = JSON.parse(await readFile(file, 'utf8')) as Partial<Kept>;
    return typeof clusterId === 'string' && /^\d+$/.test(epoch ?? '') ? { clusterId, epoch: epoch ?? '0' } : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
}
