/** One entry of a stored log as Docker sends it. */
const TYPES = { stdout: 1, stderr: 2, error: 3 } as const;

export function storedFrame(type: keyof typeof TYPES, text: string): Buffer {
  const body = Buffer.from(type === 'error' ? text : `2026-01-01T00:00:00.000000000Z ${text}`);
  const head = Buffer.alloc(8);
  head[0] = TYPES[type];
  head.writeUInt32BE(body.byteLength, 4);
  return Buffer.concat([head, body]);
}
