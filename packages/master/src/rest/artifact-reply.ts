/** A file that a task left, as a download. It may hold anything, so a browser is never to show or run it. */
import { type ArtifactDownload, type ByteRange, Rejected } from '../operations/index.ts';

export interface ArtifactReply {
  readonly status: 200 | 206;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: NodeJS.ReadableStream;
}

export async function openArtifact(
  file: ArtifactDownload,
  rangeHeader: string | undefined,
  ifRange: string | undefined,
): Promise<ArtifactReply> {
  const etag = `"${file.digest}"`;
  // A range of a file that has changed meanwhile would be put together with the wrong rest.
  const range = ifRange === undefined || ifRange === etag ? readRange(rangeHeader, file.sizeBytes) : null;
  const stream = await file.open(range);
  return {
    status: range === null ? 200 : 206,
    stream,
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': disposition(file.path),
      'content-length': String(range === null ? file.sizeBytes : range.end - range.start),
      'accept-ranges': 'bytes',
      etag,
      ...(range === null ? {} : { 'content-range': `bytes ${range.start}-${range.end - 1}/${file.sizeBytes}` }),
    },
  };
}

/** One range, as `bytes=0-99`, `bytes=100-` or `bytes=-100`; null for the whole. What can not be read is ignored. */
export function readRange(header: string | undefined, sizeBytes: number): ByteRange | null {
  const match = header === undefined ? null : /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim());
  if (match === null) return null;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return null;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null;
  if (start >= sizeBytes || end <= start)
    throw new Rejected('range_not_satisfiable', `The file has ${sizeBytes} bytes; the range asks for others`, {
      sizeBytes,
    });
  return { start, end };
}

/** The last part of the path; what is not plain ASCII in the extended form (RFC 6266). */
function disposition(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const plain = name.replace(/[^\x20-\x7e]|["\\]/g, '_');
  const extended = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return plain === name
    ? `attachment; filename="${plain}"`
    : `attachment; filename="${plain}"; filename*=UTF-8''${extended}`;
}
