/** A single line of a log answer: one record holds at most a chunk of a log, so this is far above any honest one. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;

const NEWLINE = 0x0a;

/** Splits a stream of bytes into JSON values, one per line. Empty lines keep a quiet connection alive and are skipped. */
export async function* parseNdjson<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<T, void> {
  const decoder = new TextDecoder();
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of body) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      const line = chunk.subarray(from, end);
      from = end + 1;
      const whole = pendingBytes === 0 ? line : join([...pending, line], pendingBytes + line.length);
      pending = [];
      pendingBytes = 0;
      if (whole.length > 0) yield JSON.parse(decoder.decode(whole)) as T;
    }
    if (from === chunk.length) continue;
    // Copied: the transport may reuse its buffer.
    pending.push(chunk.slice(from));
    pendingBytes += chunk.length - from;
    if (pendingBytes > MAX_LINE_BYTES) throw new Error(`a record of the log is longer than ${MAX_LINE_BYTES} bytes`);
  }
  if (pendingBytes > 0) yield JSON.parse(decoder.decode(join(pending, pendingBytes))) as T;
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
