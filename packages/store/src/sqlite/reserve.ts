/**
 * Room for the time when the disk is full. A file of this many bytes lies beside the store; when a commit finds no
 * space it is removed, and cancels and results go on being stored in its place. It is made again as soon as the
 * disk has room for it and as much again, so that the two states do not alternate quickly.
 */
import { randomFillSync } from 'node:crypto';
import { rmSync, statfsSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

const CHUNK_BYTES = 1024 * 1024;
/** Without a reserve, the disk counts as full below this. */
const LEAST_FREE_BYTES = 1024 * 1024;

export class Reserve {
  readonly #path: string;
  readonly #size: number;
  #held: boolean;
  #making = false;

  /** `path` of the store; `size` 0: no reserve is kept. */
  constructor(path: string, size: number) {
    this.#path = `${path}-reserve`;
    this.#size = size;
    rmSync(`${this.#path}.new`, { force: true });
    this.#held = size > 0 && statSync(this.#path, { throwIfNoEntry: false })?.size === size;
  }

  /** Bytes set aside now. */
  get bytes(): number {
    return this.#held ? this.#size : 0;
  }

  /** Whether the disk is to be treated as full: nothing is set aside, and there is no room to do it. */
  get isSpent(): boolean {
    return !this.#held && this.freeBytes() < this.neededBytes;
  }

  /** Free bytes that end the shortage. */
  get neededBytes(): number {
    return Math.max(2 * this.#size, LEAST_FREE_BYTES);
  }

  freeBytes(): number {
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#path));
      return bavail * bsize;
    } catch {
      // The disk is gone, which the next commit will tell better.
      return 0;
    }
  }

  /** Gives the space back to the disk; false: there was none to give. */
  release(): boolean {
    this.#making = false;
    if (!this.#held) return false;
    this.#held = false;
    rmSync(this.#path, { force: true });
    return true;
  }

  /** Sets the space aside if the disk has enough; commits go on meanwhile. */
  async make(): Promise<void> {
    if (this.#held || this.#making || this.#size === 0 || this.isSpent) return;
    this.#making = true;
    const unfinished = `${this.#path}.new`;
    try {
      // Random bytes: file systems that compress would set nothing aside for zeros.
      const chunk = randomFillSync(Buffer.alloc(Math.min(CHUNK_BYTES, this.#size)));
      const file = await open(unfinished, 'w', 0o600);
      try {
        for (let left = this.#size; left > 0 && this.#making; ) {
          left -= (await file.write(chunk, 0, Math.min(chunk.length, left))).bytesWritten;
        }
        if (this.#making) await file.sync();
      } finally {
        await file.close();
      }
      if (this.#making) {
        await rename(unfinished, this.#path);
        this.#held = true;
      }
    } catch {
      // Somebody else took the space meanwhile: there will be another try.
    } finally {
      if (!this.#held) rmSync(unfinished, { force: true });
      this.#making = false;
    }
  }
}
