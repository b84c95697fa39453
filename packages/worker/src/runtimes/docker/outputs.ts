/**
 * The directory that a task sees as /output. The worker alone makes and removes it; a task decides what is in it, so
 * everything read here is hostile: only regular files are taken, links are never followed, count and bytes are capped.
 * Nothing changes in it any more when it is read, because the process is dead by then.
 */
import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, opendir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { type AttemptKey, keyText } from '../../core/attempt.ts';
import type { OutputFile, Outputs } from '../runtime.ts';

const MAX_FILES = 10_000;
/** All files are named in the one message that tells the end; the wire takes 4 MiB, and the end says more than these. */
const MAX_NAMES_BYTES = 2 * 2 ** 20;
/** Beside its path a file takes its size, its digest and their frames. */
const NAME_OVERHEAD_BYTES = 100;
/** Directories and other entries cost a visit each. */
const MAX_ENTRIES = 100_000;
const MAX_DEPTH = 64;
const READ_BYTES = 256 * 1024;
const NAMED_IN_MESSAGE = 3;
const STAMP_SUFFIX = '.log-start';

export class OutputDirectories {
  readonly #root: string;
  readonly #warn: (text: string) => void;

  constructor(dataDirectory: string, warn: (text: string) => void) {
    this.#root = path.join(dataDirectory, 'outputs');
    this.#warn = warn;
  }

  /** Once, before the first task. */
  async prepare(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    await chmod(this.#root, 0o700);
  }

  pathOf(key: AttemptKey): string {
    return path.join(this.#root, keyText(key));
  }

  /** Beside the directory, out of the task's reach: when the first entry of its log was written. */
  stampFile(key: AttemptKey): string {
    return path.join(this.#root, `${keyText(key)}${STAMP_SUFFIX}`);
  }

  /** Writable for whatever user the image runs as; nobody else on this machine passes the closed parent. */
  async create(key: AttemptKey): Promise<string> {
    const directory = this.pathOf(key);
    await mkdir(directory, { recursive: true });
    await chmod(directory, 0o1777);
    return directory;
  }

  async remove(key: AttemptKey): Promise<void> {
    await this.#remove(this.pathOf(key));
    await this.#remove(this.stampFile(key));
  }

  /** Directories of attempts that nobody knows any more, as a crash between two steps leaves them. */
  async removeOthers(known: readonly AttemptKey[]): Promise<void> {
    const keep = new Set(known.map(keyText));
    for (const name of await readdir(this.#root)) {
      if (!keep.has(name.replace(STAMP_SUFFIX, ''))) await this.#remove(path.join(this.#root, name));
    }
  }

  async #remove(target: string): Promise<void> {
    try {
      await rm(target, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EACCES' && code !== 'EPERM') throw error;
      // A worker without root rights can not remove what a root process in a container made. Trying again does not help.
      this.#warn(`${target} can not be removed (${code}); remove it by hand, or run the worker as root`);
    }
  }

  async bytes(key: AttemptKey): Promise<number> {
    let sum = 0;
    for await (const entry of walk(this.pathOf(key))) sum += entry.blocksBytes;
    return sum;
  }

  async collect(key: AttemptKey, limitBytes: number): Promise<Outputs> {
    const files: OutputFile[] = [];
    const skipped = new Map<string, string[]>();
    const skip = (why: string, name: string) => {
      const names = skipped.get(why);
      if (names === undefined) skipped.set(why, [name]);
      else names.push(name);
    };
    let bytes = 0;
    let namesBytes = 0;
    let overLimit = false;
    for await (const entry of walk(this.pathOf(key))) {
      if (entry.kind === 'directory') continue;
      const nameBytes = Buffer.byteLength(entry.path) + NAME_OVERHEAD_BYTES;
      if (entry.kind !== 'file') {
        skip(entry.kind, entry.path);
      } else if (!isPlainName(entry.path)) {
        skip('names that are not plain text', JSON.stringify(entry.path));
      } else if (files.length >= MAX_FILES) {
        overLimit = true;
        skip(`more than ${MAX_FILES} files`, entry.path);
      } else if (namesBytes + nameBytes > MAX_NAMES_BYTES) {
        overLimit = true;
        skip(`more than ${MAX_NAMES_BYTES} bytes of file names`, entry.path);
      } else if (bytes + entry.sizeBytes > limitBytes) {
        overLimit = true;
        skip(`more than ${limitBytes} bytes in all`, entry.path);
      } else {
        bytes += entry.sizeBytes;
        namesBytes += nameBytes;
        files.push(fileOf(entry));
      }
    }
    return { files, skipped: skippedText(skipped), overLimit };
  }
}

interface Entry {
  readonly kind: 'file' | 'directory' | 'symbolic links' | 'sockets' | 'pipes' | 'devices' | 'too deep' | 'unreadable';
  /** Relative to the root of the walk. */
  readonly path: string;
  readonly full: string;
  readonly sizeBytes: number;
  /** What it takes on disk; a sparse file takes less than its size. */
  readonly blocksBytes: number;
}

async function* walk(root: string, relative = '', depth = 0, count = { entries: 0 }): AsyncGenerator<Entry> {
  const here = path.join(root, relative);
  let directory: Awaited<ReturnType<typeof opendir>>;
  try {
    directory = await opendir(here);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Missing: the task (or nobody) made one. Anything else is shown as a file that could not be read.
    if (code !== 'ENOENT') yield { kind: 'unreadable', path: relative, full: here, sizeBytes: 0, blocksBytes: 0 };
    return;
  }
  for await (const { name } of directory) {
    count.entries += 1;
    if (count.entries > MAX_ENTRIES) return;
    const full = path.join(here, name);
    const entryPath = relative === '' ? name : `${relative}/${name}`;
    const stat = await lstat(full).catch(() => null); // Gone between the listing and now.
    if (stat === null) continue;
    const entry = { path: entryPath, full, sizeBytes: stat.size, blocksBytes: stat.blocks * 512 };
    if (stat.isDirectory()) {
      if (depth + 1 >= MAX_DEPTH) {
        yield { ...entry, kind: 'too deep' };
        continue;
      }
      yield { ...entry, kind: 'directory' };
      yield* walk(root, entryPath, depth + 1, count);
    } else if (stat.isFile()) yield { ...entry, kind: 'file' };
    else if (stat.isSymbolicLink()) yield { ...entry, kind: 'symbolic links' };
    else if (stat.isSocket()) yield { ...entry, kind: 'sockets' };
    else if (stat.isFIFO()) yield { ...entry, kind: 'pipes' };
    else yield { ...entry, kind: 'devices' };
  }
}

function fileOf(entry: Entry): OutputFile {
  return { path: entry.path, sizeBytes: entry.sizeBytes, open: () => read(entry.full, entry.sizeBytes) };
}

/** Exactly the bytes that were counted: a file that grew or shrank since is an error, not a surprise for the master. */
async function* read(file: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error(`${file} is no longer a regular file`);
    let left = sizeBytes;
    while (left > 0) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(READ_BYTES, left)));
      if (bytesRead === 0) throw new Error(`${file} ended ${left} bytes early`);
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Paths become names in an archive and in a URL: no control characters, no lone surrogates, nothing undecodable. */
function isPlainName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return !/[\u0000-\u001f\u007f\ufffd\\]/.test(name) && name.isWellFormed();
}

function skippedText(skipped: ReadonlyMap<string, readonly string[]>): string | null {
  if (skipped.size === 0) return null;
  const parts = [...skipped].map(([why, names]) => {
    const shown = names.slice(0, NAMED_IN_MESSAGE).join(', ');
    const more = names.length > NAMED_IN_MESSAGE ? ` and ${names.length - NAMED_IN_MESSAGE} more` : '';
    return `${why}: ${shown}${more}`;
  });
  return `not kept from /output: ${parts.join('; ')}`;
}
