/** `StreamTaskLogs`: the log of a task in chunks, with a last one that says how the task ended. */
import { setImmediate as turn } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { userWire } from '@cloudai/api';
import { type LogPiece, type LogReading, Rejected } from '../operations/index.ts';
import type { RawInput } from '../operations/validate.ts';
import type { OpenStream } from '../rest/stream-book.ts';
import { time } from '../views.ts';
import type { Caller } from './caller.ts';

type Chunk = MessageInitShape<typeof userWire.StreamTaskLogsResponseSchema>;
type DataPiece = Extract<LogPiece, { kind: 'data' }>;

/** Small pieces are sent together up to this, as long as they are there without waiting; larger ones are cut. */
const CHUNK_BYTES = 64 * 1024;

/** What the operation is asked. Throws `Rejected` when somebody asks in the name of somebody else. */
export function logInput({ subject }: Caller, request: userWire.StreamTaskLogsRequest): RawInput {
  const { taskId, userId, follow, attempt, allAttempts, stream, since, grep, regex, tail, until, offset, bytes } =
    request;
  if (userId !== '' && userId !== subject.user && subject.role !== 'admin')
    throw new Rejected('forbidden', `The token is that of ${subject.user}; leave user_id out, or give that name`);
  const query = {
    follow,
    ...(allAttempts ? { attempt: 'all' } : attempt === 0 ? {} : { attempt }),
    ...(stream === '' ? {} : { stream }),
    ...(since === '' ? {} : { since }),
    ...(grep === '' ? {} : { grep }),
    ...(regex === '' ? {} : { regex }),
    ...(tail === undefined ? {} : { tail }),
    ...(until === '' ? {} : { until }),
    ...(offset === undefined ? {} : { offset: Number(offset) }),
    ...(bytes === undefined ? {} : { bytes: Number(bytes) }),
  };
  return { params: { task: taskId }, query, body: undefined };
}

export function notFound(taskId: string, now: number): Chunk {
  return { taskId, timestamp: time(now), isComplete: true, status: 'not_found' };
}

/** `stateOf` tells the state of the task when its log is read without waiting for its end. */
export async function* logChunks(
  reading: LogReading,
  stream: OpenStream,
  now: () => number,
  stateOf: () => string,
): AsyncGenerator<Chunk> {
  const { taskId } = reading;
  let ended = false;
  for await (const piece of together(reading.pieces(stream.signal))) {
    switch (piece.kind) {
      case 'data':
        for (const part of parts(piece)) yield { taskId, ...part };
        break;
      case 'dropped': {
        const droppedBytes = BigInt(piece.bytes);
        yield { taskId, attempt: piece.attempt, timestamp: time(now()), status: 'running', droppedBytes };
        break;
      }
      case 'end': {
        const { state: status, reason, exitCode, message } = piece;
        ended = true;
        yield {
          taskId,
          timestamp: time(now()),
          isComplete: status !== 'running',
          status,
          ...known({ reason, exitCode, message }),
        };
        break;
      }
      case 'attempt':
      case 'interrupted':
        break;
    }
  }
  if (ended) return;
  const message = stream.interruption();
  if (message !== null) yield { taskId, timestamp: time(now()), status: 'interrupted', message };
  else if (!stream.signal.aborted) yield { taskId, timestamp: time(now()), status: stateOf() };
}

function* parts({ attempt, stream, offset, at, data }: DataPiece): Generator<Chunk> {
  for (let start = 0; start < data.length; start += CHUNK_BYTES) {
    const content = data.subarray(start, start + CHUNK_BYTES) as Uint8Array<ArrayBuffer>;
    yield { content, timestamp: time(at), status: 'running', attempt, stream, offset: BigInt(offset + start) };
  }
}

/** Pieces of one stream that follow each other and are there already, as one. */
async function* together(pieces: AsyncGenerator<LogPiece, void>): AsyncGenerator<LogPiece> {
  let held: { readonly first: DataPiece; readonly data: Uint8Array[]; length: number; at: number } | null = null;
  const release = (): LogPiece[] => {
    const piece = held === null ? [] : [{ ...held.first, at: held.at, data: Buffer.concat(held.data) }];
    held = null;
    return piece;
  };
  let next = pieces.next();
  try {
    for (;;) {
      const result: IteratorResult<LogPiece, void> | null =
        held === null ? await next : await Promise.race([next, turn(null)]);
      if (result === null) {
        yield* release();
        continue;
      }
      if (result.done === true) break;
      const piece: LogPiece = result.value;
      next = pieces.next();
      // Nobody waits for it while what is held goes out.
      next.catch(() => {});
      if (piece.kind !== 'data') {
        yield* release();
        yield piece;
      } else if (held !== null && follows(held, piece) && held.length + piece.data.length <= CHUNK_BYTES) {
        held.data.push(piece.data);
        held.length += piece.data.length;
        held.at = piece.at;
      } else {
        yield* release();
        held = { first: piece, data: [piece.data], length: piece.data.length, at: piece.at };
      }
    }
    yield* release();
  } finally {
    await pieces.return();
  }
}

function follows({ first, length }: { readonly first: DataPiece; readonly length: number }, piece: DataPiece): boolean {
  return piece.attempt === first.attempt && piece.stream === first.stream && piece.offset === first.offset + length;
}

function known<T extends Record<string, unknown>>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as never;
}
