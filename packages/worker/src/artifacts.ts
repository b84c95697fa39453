/** Uploads files of /output. An upload that breaks is repeated from its start: the master keeps only whole files. */
import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { workerWire } from '@cloudai/api';
import type { Client } from '@connectrpc/connect';
import type { Artifact, AttemptKey } from './core/attempt.ts';
import { type OutputFile, RuntimeError } from './runtimes/runtime.ts';
import { Slots } from './slots.ts';
import { keyToWire } from './wire.ts';

/** Of 256 KiB blocks: enough to fill a link, few enough to stay friendly to the session on the same connection. */
const PARALLEL_UPLOADS = 4;

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
    if (unreadable === null) throw error;
    throw new RuntimeError('output_error', `${file.path}: ${(unreadable as Error).message}`, { cause: unreadable });
  });
  const digest = `sha256:${hash.digest('hex')}`;
  if (answer.digest !== digest) {
    throw new Error(`the master holds ${answer.digest} of ${file.path}, the worker sent ${digest}`);
  }
  return { path: file.path, sizeBytes: file.sizeBytes, digest };
}
