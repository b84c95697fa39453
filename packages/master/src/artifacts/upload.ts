/** The call by which a worker hands over one file of `/output`. Only for live attempts of its session in force. */

import { create } from '@bufbuild/protobuf';
import { workerWire as wire } from '@cloudai/api';
import { isLive } from '@cloudai/engine';
import type { MasterLoop } from '../loop.ts';
import { refusalError, refuse } from '../sessions/refusal.ts';
import type { SessionRegistry } from '../sessions/registry.ts';
import type { WorkerPeer } from '../sessions/session.ts';
import { readArtifactPath, readKey, WireError } from '../sessions/wire.ts';
import { ArtifactMismatch, type FileArtifactStore } from './artifact-store.ts';

export interface UploadServices {
  readonly loop: Pick<MasterLoop, 'engine' | 'storeFull'>;
  readonly registry: SessionRegistry;
  readonly artifacts: FileArtifactStore;
  readonly maxBytes: number;
}

export async function uploadArtifact(
  services: UploadServices,
  peer: WorkerPeer,
  requests: AsyncIterable<wire.UploadArtifactRequest>,
): Promise<wire.UploadArtifactResponse> {
  const messages = requests[Symbol.asyncIterator]();
  try {
    const first = await messages.next();
    const header = first.done === true || first.value.message.case !== 'header' ? null : first.value.message.value;
    if (header === null) throw new WireError('an upload begins with its header');
    const key = readKey(header.key, 'upload');
    const path = readArtifactPath(header.path);
    const sizeBytes = checkSize(header.sizeBytes, services.maxBytes);
    checkRight(services, peer, header.session, key);
    if (services.loop.storeFull())
      throw refusalError(refuse('store_full', 'The disk of the master is full; try again.'));
    const stored = await services.artifacts.put(key.taskId, key.attempt, path, sizeBytes, dataOf(messages));
    return create(wire.UploadArtifactResponseSchema, { sizeBytes: BigInt(stored.sizeBytes), digest: stored.digest });
  } catch (error) {
    if (error instanceof WireError || error instanceof ArtifactMismatch)
      throw refusalError(refuse('invalid_argument', `Upload: ${error.message}.`));
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw refusalError(refuse('store_full', 'The disk of the master is full; try again.'));
    throw error;
  }
}

function checkSize(size: bigint, maxBytes: number): number {
  if (size < 0n) throw new WireError(`a file of ${size} bytes`);
  if (size > BigInt(maxBytes))
    throw refusalError(refuse('payload_too_large', `The file has ${size} bytes; at most ${maxBytes} are kept of one.`));
  return Number(size);
}

function checkRight(
  { loop, registry }: UploadServices,
  peer: WorkerPeer,
  session: bigint,
  key: { readonly taskId: string; readonly attempt: number },
): void {
  const live = registry.get(peer.workerId);
  if (live === undefined || BigInt(live.number) !== session)
    throw refusalError(refuse('fenced', `Session ${session} of worker ${peer.workerId} is over.`));
  const attempt = loop.engine.attempt(key.taskId, key.attempt);
  if (attempt === null || attempt.workerId !== peer.workerId)
    throw refusalError(
      refuse('forbidden', `Attempt ${key.attempt} of task ${key.taskId} is not one of worker ${peer.workerId}.`),
    );
  if (!isLive(attempt.state))
    throw refusalError(refuse('fenced', `Attempt ${key.attempt} of task ${key.taskId} has ended (${attempt.state}).`));
}

async function* dataOf(messages: AsyncIterator<wire.UploadArtifactRequest>): AsyncGenerator<Uint8Array> {
  for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
    const { message } = next.value;
    if (message.case !== 'data') throw new WireError('a second header in an upload');
    yield message.value;
  }
}
