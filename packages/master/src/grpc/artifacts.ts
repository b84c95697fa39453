/** `GetArtifact`: what the file is, then its bytes. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { userWire } from '@cloudai/api';
import type { ArtifactDownload, ByteRange } from '../operations/index.ts';
import { invalid, Rejected } from '../operations/rejected.ts';

type Part = MessageInitShape<typeof userWire.GetArtifactResponseSchema>;

const CHUNK_BYTES = 64 * 1024;

export async function* artifactParts(
  file: ArtifactDownload,
  request: userWire.GetArtifactRequest,
  signal: AbortSignal,
): AsyncGenerator<Part> {
  const { path, sizeBytes, digest } = file;
  const stream = await file.open(rangeOf(request, sizeBytes));
  try {
    yield { part: { case: 'info', value: { path, sizeBytes: BigInt(sizeBytes), digest } } };
    for await (const piece of stream) {
      const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
      for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
        if (signal.aborted) return;
        yield { part: { case: 'data', value: bytes.subarray(start, start + CHUNK_BYTES) as Uint8Array<ArrayBuffer> } };
      }
    }
  } finally {
    if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
  }
}

function rangeOf({ offset, length }: userWire.GetArtifactRequest, sizeBytes: number): ByteRange | null {
  if (offset < 0n || (length !== undefined && length < 0n))
    throw invalid('offset', 'offset and length are not negative');
  if (offset === 0n && length === undefined) return null;
  const start = Number(offset);
  const end = Math.min(sizeBytes, length === undefined ? sizeBytes : start + Number(length));
  if (start >= sizeBytes || end <= start)
    throw new Rejected('range_not_satisfiable', `The file has ${sizeBytes} bytes; the range asks for others`, {
      sizeBytes,
    });
  return { start, end };
}
