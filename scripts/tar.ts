// The few kinds of tar entry that an image needs, written as a stream (ustar).
import { createReadStream } from 'node:fs';

export type TarEntry =
  | { kind: 'directory'; path: string; mode: number }
  | { kind: 'link'; path: string; target: string }
  | { kind: 'text'; path: string; mode: number; text: string }
  | { kind: 'copy'; path: string; mode: number; from: string; bytes: number };

const BLOCK = 512;
const TYPE = { directory: '5', link: '2', text: '0', copy: '0' };
const MAX_PATH_BYTES = 100;

export async function* tar(entries: Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    const content = entry.kind === 'text' ? Buffer.from(entry.text) : undefined;
    const bytes = entry.kind === 'copy' ? entry.bytes : (content?.length ?? 0);
    yield header(entry, bytes);
    if (content !== undefined) yield content;
    if (entry.kind === 'copy') yield* createReadStream(entry.from, { highWaterMark: 1 << 20 });
    if (bytes % BLOCK !== 0) yield Buffer.alloc(BLOCK - (bytes % BLOCK));
  }
  yield Buffer.alloc(2 * BLOCK);
}

function header(entry: TarEntry, bytes: number): Buffer {
  const name = entry.kind === 'directory' ? `${entry.path}/` : entry.path;
  const target = entry.kind === 'link' ? entry.target : '';
  for (const text of [name, target]) {
    if (Buffer.byteLength(text) > MAX_PATH_BYTES) throw new Error(`Too long for a tar entry: ${text}`);
  }
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, '0'), at);
  block.write(name, 0);
  octal(entry.kind === 'link' ? 0o777 : entry.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(bytes, 124, 12);
  octal(0, 136, 12);
  block.fill(' ', 148, 156);
  block.write(TYPE[entry.kind], 156);
  block.write(target, 157);
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
