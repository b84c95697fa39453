/** Codes that stand for a token for a few minutes and once, so that the token itself is in no URL. In memory only. */
import { randomBytes } from 'node:crypto';
import { sha256Hex } from '../identity/tokens.ts';

/** Time to copy a line from a terminal into a browser. */
const CODE_TTL_MS = 10 * 60_000;
const CODE_BYTES = 24;
const MAX_PER_TOKEN = 16;
const MAX_CODES = 4096;

interface Entry {
  readonly tokenId: string;
  readonly expiresAt: number;
}

export class LoginCodes {
  readonly #now: () => number;
  /** By hash of the code, oldest first. */
  readonly #entries = new Map<string, Entry>();

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(tokenId: string): { readonly code: string; readonly expiresAt: number } {
    const now = this.#now();
    const own: string[] = [];
    for (const [hash, entry] of this.#entries) {
      if (entry.expiresAt <= now) this.#entries.delete(hash);
      else if (entry.tokenId === tokenId) own.push(hash);
    }
    if (own.length >= MAX_PER_TOKEN) this.#entries.delete(own[0]!);
    else if (this.#entries.size >= MAX_CODES) this.#entries.delete(this.#entries.keys().next().value!);
    const code = randomBytes(CODE_BYTES).toString('base64url');
    const expiresAt = now + CODE_TTL_MS;
    this.#entries.set(sha256Hex(code), { tokenId, expiresAt });
    return { code, expiresAt };
  }

  /** The id of the token behind the code, and the code is used up. */
  redeem(code: string): string | null {
    const hash = sha256Hex(code);
    const entry = this.#entries.get(hash);
    this.#entries.delete(hash);
    return entry === undefined || entry.expiresAt <= this.#now() ? null : entry.tokenId;
  }
}
