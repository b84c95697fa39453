import type { LogLine } from '@cloudai/api/rest';

const encoder = new TextEncoder();

/** The exact bytes of a data record. */
export function bytesOf(line: Extract<LogLine, { kind: 'data' }>): Uint8Array {
  if ('text' in line) return encoder.encode(line.text);
  const binary = atob(line.base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
