/**
 * Files that tasks left in `/output`: `<data>/artifacts/<first 2 of task>/<task>/<attempt>/<sha256 of the path>`. A
 * path that a task chose never becomes a path on this host. `index.jsonl` beside the files names them, for people.
 */
import { createHash, randomBytes } from 'node:crypto';
import { appendFile, type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { ArtifactStore } from '../context.ts';
import { makeDirectoryDurably, syncDirectory } from '../durable-file.ts';

export interface StoredArtifact {
  readonly sizeBytes: number;
  /** `sha256:<hex>` */
  readonly digest: string;
}

export class ArtifactMismatch extends Error {}

export class FileArtifactStore implements ArtifactStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async open(
    taskId: string,
    attempt: number,
    name: string,
    range?: { readonly start: number; readonly end: number },
  ): Promise<{ readonly sizeBytes: number; readonly stream: NodeJS.ReadableStream } | null> {
    const file = path.join(this.#attemptDirectory(taskId, attempt), opaqueName(name));
    let handle: FileHandle;
    try {
      handle = await open(file, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    const { size } = await handle.stat();
    const start = Math.min(range?.start ?? 0, size);
    const end = Math.min(range?.end ?? size, size);
    if (start >= end) {
      await handle.close();
      return { sizeBytes: size, stream: Readable.from([]) };
    }
    return { sizeBytes: size, stream: handle.createReadStream({ start, end: end - 1 }) };
  }

  /** Takes a file's bytes; durable when it resolves. The same file may be put again. */
  async put(
    taskId: string,
    attempt: number,
    name: string,
    sizeBytes: number,
    data: AsyncIterable<Uint8Array>,
  ): Promise<StoredArtifact> {
    const names = [taskId.slice(0, 2), checkedId(taskId), String(attempt)];
    const directory = await makeDirectoryDurably(this.#directory, ...names);
    const file = opaqueName(name);
    const temporary = path.join(directory, `${file}.${randomBytes(6).toString('hex')}.tmp`);
    const handle = await open(temporary, 'wx', 0o600);
    try {
      const stored = await copy(handle, sizeBytes, data);
      await handle.sync();
      await handle.close();
      const entry = { file, path: name, ...stored };
      await appendFile(path.join(directory, 'index.jsonl'), `${JSON.stringify(entry)}\n`, { mode: 0o600, flush: true });
      await rename(temporary, path.join(directory, file));
      await syncDirectory(directory);
      return stored;
    } catch (error) {
      await handle.close().catch(() => {}); // Closed already, when it was the rename that failed.
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async remove(taskId: string): Promise<void> {
    await rm(path.join(this.#directory, taskId.slice(0, 2), checkedId(taskId)), { recursive: true, force: true });
  }

  /** Tasks that have artifacts, for the clean-up after a crash between the store's deletion and ours. */
  async *taskIds(): AsyncIterable<string> {
    for (const prefix of await namesIn(this.#directory)) yield* await namesIn(path.join(this.#directory, prefix));
  }

  #attemptDirectory(taskId: string, attempt: number): string {
    return path.join(this.#directory, taskId.slice(0, 2), checkedId(taskId), String(attempt));
  }
}

async function copy(handle: FileHandle, sizeBytes: number, data: AsyncIterable<Uint8Array>): Promise<StoredArtifact> {
  const hash = createHash('sha256');
  let written = 0;
  for await (const piece of data) {
    if (written + piece.byteLength > sizeBytes)
      throw new ArtifactMismatch(`more than the ${sizeBytes} bytes that were announced`);
    hash.update(piece);
    await handle.writeFile(piece);
    written += piece.byteLength;
  }
  if (written !== sizeBytes)
    throw new ArtifactMismatch(`${written} bytes came of the ${sizeBytes} that were announced`);
  return { sizeBytes, digest: `sha256:${hash.digest('hex')}` };
}

function opaqueName(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

/** Ids become names of directories, so nothing else may pass for one. */
function checkedId(taskId: string): string {
  if (/^[a-z0-9]{2,64}$/.test(taskId)) return taskId;
  throw new Error(`no task has the id ${JSON.stringify(taskId).slice(0, 80)}`);
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
