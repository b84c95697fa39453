// A disk that can be filled: a small file system in memory.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export function canMountTmpfs(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    new Tmpfs(1).close();
    return true;
  } catch {
    return false; // A container without the capability.
  }
}

export class Tmpfs {
  readonly folder: string;
  readonly #filler: string;

  constructor(mebibytes: number) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cai-disk-'));
    this.#filler = path.join(this.folder, 'filler');
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'cloudai-test', this.folder], { stdio: 'pipe' });
  }

  /** Not a byte is left. */
  fill(): void {
    const file = fs.openSync(this.#filler, 'w');
    try {
      for (let size = 2 ** 20; size >= 1; size = Math.floor(size / 16)) this.#write(file, Buffer.alloc(size));
    } finally {
      fs.closeSync(file);
    }
  }

  empty(): void {
    fs.rmSync(this.#filler, { force: true });
  }

  close(): void {
    execFileSync('umount', ['--lazy', this.folder], { stdio: 'pipe' });
    fs.rmdirSync(this.folder);
  }

  #write(file: number, piece: Buffer): void {
    try {
      while (fs.writeSync(file, piece) === piece.length);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
