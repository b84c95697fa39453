import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

/** A recorded workload that is not what it should be. The message names the file and, if there is one, the line. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}

/** The text of a trace and what to call it in messages. */
export interface TraceText {
  readonly name: string;
  readonly text: string;
}

/** The largest public log is some 100 MB as text; what is larger than this was given by mistake. */
const MAX_BYTES = 512 * 2 ** 20;

/** Reads a file; one whose name ends in `.gz` is unpacked. */
export function readTrace(file: string): TraceText {
  try {
    const bytes = fs.readFileSync(file);
    const plain = file.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes;
    if (plain.length > MAX_BYTES) throw new Error(`it is longer than ${MAX_BYTES} bytes`);
    return { name: path.basename(file), text: plain.toString('utf8') };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TraceError(`${file} can not be read: ${reason}`, { cause: error });
  }
}

export function broken(source: TraceText, line: number, message: string): TraceError {
  return new TraceError(`${source.name}, line ${line}: ${message}`);
}
