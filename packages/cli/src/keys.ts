/** Single keys of a terminal. What was typed after the key stays in the input for whoever reads next. */
import type { ReadStream } from 'node:tty';

const CTRL_C = 0x03;

export interface KeyPress {
  /** `interrupted`: Ctrl-C. `ended`: the input closed. `aborted`: the signal fired first. */
  readonly outcome: 'key' | 'interrupted' | 'ended' | 'aborted';
  /** The character or escape sequence; empty unless a key was pressed. */
  readonly key: string;
}

/** Waits for one key. Without a terminal there are no keys, so then it waits for the signal alone. */
export async function waitForKey(input: NodeJS.ReadStream, signal: AbortSignal): Promise<KeyPress> {
  const { promise, resolve } = Promise.withResolvers<KeyPress>();
  const aborted = () => resolve({ outcome: 'aborted', key: '' });
  const ended = () => resolve({ outcome: 'ended', key: '' });
  const readable = () => {
    const chunk = input.read() as Buffer | string | null;
    if (chunk === null) return;
    // At once: putting the rest back makes the stream call its listeners again, which would eat key after key.
    input.off('readable', readable);
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    const length = keyLength(bytes);
    const rest = bytes.subarray(length);
    if (rest.length > 0) input.unshift(rest);
    resolve({ outcome: bytes[0] === CTRL_C ? 'interrupted' : 'key', key: bytes.toString('utf8', 0, length) });
  };
  if (signal.aborted) return { outcome: 'aborted', key: '' };
  signal.addEventListener('abort', aborted, { once: true });
  const terminal = input.isTTY ? (input as ReadStream) : null;
  if (terminal !== null) {
    terminal.setRawMode(true);
    input.on('readable', readable);
    input.on('end', ended);
  }
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', aborted);
    if (terminal !== null) {
      input.off('readable', readable);
      input.off('end', ended);
      terminal.setRawMode(false);
      input.pause();
    }
  }
}

/** Each key of what has come in at once. */
export function keysIn(bytes: Buffer): string[] {
  const keys: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const rest = bytes.subarray(at);
    const length = keyLength(rest);
    keys.push(rest.toString('utf8', 0, length));
    at += length;
  }
  return keys;
}

/** An arrow or function key arrives as one escape sequence; every other key is one character. */
function keyLength(bytes: Buffer): number {
  const text = bytes.toString('latin1');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is how terminals send these keys
  const sequence = /^\u001b(?:\[[0-9;]*[~A-Za-z]|O[A-Za-z])/.exec(text);
  if (sequence !== null) return sequence[0].length;
  const first = bytes[0] ?? 0;
  // Length of a UTF-8 character by its first byte.
  if (first < 0x80) return 1;
  return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
}
