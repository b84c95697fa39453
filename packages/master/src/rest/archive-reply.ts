/** The files of an attempt as one tar archive, written while it is sent: nothing is gathered in memory or on the disk. */
import { Readable } from 'node:stream';
import type { ArchiveDownload, ArtifactDownload } from '../operations/index.ts';

const BLOCK_BYTES = 512;
/** Longer names, and those that are not ASCII, go into an extended header (POSIX.1-2001, pax). */
const MAX_PLAIN_NAME = 100;
/** What eleven octal digits can say. */
const MAX_PLAIN_SIZE = 8 ** 11 - 1;
const END = Buffer.alloc(2 * BLOCK_BYTES);

export interface ArchiveReply {
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: Readable;
}

export function openArchive({ name, modifiedAt, files }: ArchiveDownload): ArchiveReply {
  const entries = files.map((file) => ({ file, header: headerOf(file, modifiedAt) }));
  const length = entries.reduce((sum, { file, header }) => sum + header.length + padded(file.sizeBytes), END.length);
  return {
    headers: {
      'content-type': 'application/x-tar',
      'content-disposition': `attachment; filename="${name}.tar"`,
      'content-length': String(length),
    },
    stream: Readable.from(write(entries), { objectMode: false }),
  };
}

async function* write(
  entries: readonly { readonly file: ArtifactDownload; readonly header: Buffer }[],
): AsyncGenerator<Uint8Array> {
  for (const { file, header } of entries) {
    yield header;
    let bytes = 0;
    for await (const chunk of await file.open(null)) {
      bytes += chunk.length;
      yield Buffer.from(chunk);
    }
    if (bytes !== file.sizeBytes) throw new Error(`${file.path} has ${bytes} bytes instead of ${file.sizeBytes}`);
    if (bytes % BLOCK_BYTES !== 0) yield Buffer.alloc(BLOCK_BYTES - (bytes % BLOCK_BYTES));
  }
  yield END;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function headerOf({ path, sizeBytes }: ArtifactDownload, modifiedAt: number): Buffer {
  const isPlain = /^[\x20-\x7e]+$/.test(path) && path.length <= MAX_PLAIN_NAME;
  if (isPlain && sizeBytes <= MAX_PLAIN_SIZE) return block(path, sizeBytes, modifiedAt, '0');
  const records = Buffer.from(paxRecord('path', path) + paxRecord('size', String(sizeBytes)));
  const body = Buffer.concat([records, Buffer.alloc(padded(records.length) - records.length)]);
  const plain = path.replace(/[^\x20-\x7e]/g, '_').slice(-MAX_PLAIN_NAME);
  return Buffer.concat([
    block('pax', records.length, modifiedAt, 'x'),
    body,
    block(plain, Math.min(sizeBytes, MAX_PLAIN_SIZE), modifiedAt, '0'),
  ]);
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (rest + String(length).length !== length) length += 1;
  return `${length} ${key}=${value}\n`;
}

function block(name: string, bytes: number, modifiedAt: number, type: '0' | 'x'): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, length: number) =>
    header.write(value.toString(8).padStart(length - 1, '0'), at);
  header.write(name, 0);
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(bytes, 124, 12);
  octal(Math.max(0, Math.floor(modifiedAt / 1000)), 136, 12);
  header.fill(' ', 148, 156);
  header.write(type, 156);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
