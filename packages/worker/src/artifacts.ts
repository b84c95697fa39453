/** Uploads files of /output. An upload that breaks is repeated from its start: the master keeps only whole files. */
import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { workerWire } from '@cloudai/api';
import { type Client, ConnectError } from '@connectrpc/connect';
import type { Logger } from 'pino';
import { type Clock, delay } from './clock.ts';
import type { Artifact, AttemptKey } from './core/attempt.ts';
import type { CollectedOutputs } from './core/state.ts';
import { type OutputFile, RuntimeError } from './runtimes/runtime.ts';
import { Slots } from './slots.ts';
import { keyToWire } from './wire.ts';

/** Of 256 KiB blocks: enough to fill a link, few enough to stay friendly to the session on the same connection. */
const PARALLEL_UPLOADS = 4;
/** Of one attempt; many small files would otherwise wait for one round trip each. */
const PARALLEL_FILES = 4;
const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 5_000;
/** The master names its reason in this header. */
const CODE_HEADER = 'cloudai-code';
/** The same file would be refused again, however often it is sent. */
const FINAL_CODES: ReadonlySet<string> = new Set(['payload_too_large', 'invalid_argument', 'forbidden']);
/** The session may just be closing, which soon shows. After so many in a row it is the attempt that has been given up. */
const FENCED_TRIES = 4;

/** The master was reached and does not want this file. */
export class UploadRefused extends Error {
  readonly code: string;
  constructor(code: string, message: string, options: { cause: unknown }) {
    super(message, options);
    this.name = 'UploadRefused';
    this.code = code;
  }
}

export interface UploadAllOptions {
  /** Rejects with `UploadRefused`, with a `RuntimeError` when the file can not be read, else when it is to be repeated. */
  readonly upload: (file: OutputFile) => Promise<Artifact>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** All files of one attempt, in their order, until each is kept or refused for good. */
export async function uploadAll(files: readonly OutputFile[], options: UploadAllOptions): Promise<CollectedOutputs> {
  const outcomes: (Artifact | UploadRefused)[] = [];
  const rest = files.entries();
  let givenUp = false;
  const some = async () => {
    for (const [index, file] of rest) {
      if (givenUp) return;
      const outcome = await uploadPatiently(file, options);
      outcomes[index] = outcome;
      if (outcome instanceof UploadRefused && outcome.code === 'fenced') givenUp = true;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_FILES }, some));
  // The master keeps no files of an attempt that it gave up, but hears how it ended.
  if (givenUp) return { artifacts: [], message: null, failed: false };
  const artifacts = outcomes.flatMap((outcome) => (outcome instanceof UploadRefused ? [] : [outcome]));
  const refused = outcomes.flatMap((outcome) => (outcome instanceof UploadRefused ? [outcome] : []));
  if (refused.length === 0) return { artifacts, message: null, failed: false };
  const more = refused.length === 1 ? '' : ` (and ${refused.length - 1} more)`;
  return { artifacts, message: `not kept from /output: ${refused[0]?.message}${more}`, failed: true };
}

async function uploadPatiently(file: OutputFile, options: UploadAllOptions): Promise<Artifact | UploadRefused> {
  const { upload, clock, log, signal } = options;
  let delayMs = RETRY_FIRST_MS;
  let fenced = 0;
  while (true) {
    try {
      return await upload(file);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RuntimeError) throw error;
      const code = error instanceof UploadRefused ? error.code : null;
      fenced = code === 'fenced' ? fenced + 1 : 0;
      if (error instanceof UploadRefused && (FINAL_CODES.has(error.code) || fenced >= FENCED_TRIES)) return error;
      log.debug({ err: error, path: file.path }, 'the upload failed; it is repeated');
      await delay(clock, delayMs, signal);
      delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
    }
  }
}

export class Uploader {
  readonly #slots = new Slots(PARALLEL_UPLOADS);

  upload(
    client: Client<typeof workerWire.WorkerService>,
    session: bigint,
    key: AttemptKey,
    file: OutputFile,
    signal: AbortSignal,
  ): Promise<Artifact> {
    return this.#slots.run(() => {
      signal.throwIfAborted();
      return uploadOne(client, session, key, file, signal);
    });
  }
}

async function uploadOne(
  client: Client<typeof workerWire.WorkerService>,
  session: bigint,
  key: AttemptKey,
  file: OutputFile,
  signal: AbortSignal,
): Promise<Artifact> {
  const hash = createHash('sha256');
  let unreadable: unknown = null;
  async function* messages(): AsyncGenerator<workerWire.UploadArtifactRequest> {
    yield create(workerWire.UploadArtifactRequestSchema, {
      message: {
        case: 'header',
        value: create(workerWire.ArtifactHeaderSchema, {
          key: keyToWire(key),
          session,
          path: file.path,
          sizeBytes: BigInt(file.sizeBytes),
        }),
      },
    });
    const blocks = file.open()[Symbol.asyncIterator]();
    try {
      while (true) {
        // Only what reading throws: a call that breaks throws into the `yield`.
        const { done, value: data } = await blocks.next().catch((error: unknown) => {
          unreadable = error;
          throw error;
        });
        if (done === true) return;
        hash.update(data);
        yield create(workerWire.UploadArtifactRequestSchema, { message: { case: 'data', value: data } });
      }
    } finally {
      await blocks.return?.();
    }
  }
  const answer = await client.uploadArtifact(messages(), { signal }).catch((error: unknown) => {
    if (unreadable === null) throw refusalOf(file, error) ?? error;
    throw new RuntimeError('output_error', `${file.path}: ${(unreadable as Error).message}`, { cause: unreadable });
  });
  const digest = `sha256:${hash.digest('hex')}`;
  if (answer.digest !== digest) {
    throw new Error(`the master holds ${answer.digest} of ${file.path}, the worker sent ${digest}`);
  }
  return { path: file.path, sizeBytes: file.sizeBytes, digest };
}

function refusalOf(file: OutputFile, error: unknown): UploadRefused | null {
  if (!(error instanceof ConnectError)) return null;
  const code = error.metadata.get(CODE_HEADER);
  return code === null ? null : new UploadRefused(code, `${file.path}: ${error.rawMessage}`, { cause: error });
}
