/**
 * Bounds what strangers cost. A connection is a stranger's until a certificate of this cluster has been verified on it;
 * of those there may be so many from one address and in all, and each has a short time for what it came for: joining.
 */
import type { Socket } from 'node:net';

export interface GuardLimits {
  readonly perAddress: number;
  readonly total: number;
  /** From the connection to the end of the only call that a stranger may make. */
  readonly lifetimeMs: number;
}

export const DEFAULT_GUARD: GuardLimits = { perAddress: 100, total: 1_000, lifetimeMs: 15_000 };

export class ConnectionGuard {
  readonly #limits: GuardLimits;
  readonly #strangers = new Map<string, { readonly address: string; readonly timer: NodeJS.Timeout }>();
  readonly #perAddress = new Map<string, number>();

  constructor(limits: GuardLimits) {
    this.#limits = limits;
  }

  get strangers(): number {
    return this.#strangers.size;
  }

  /** A TCP connection was accepted, before any hand-shake. Too many of them are dropped without a word. */
  admit(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const count = this.#perAddress.get(address) ?? 0;
    if (count >= this.#limits.perAddress || this.#strangers.size >= this.#limits.total) {
      socket.destroy();
      return;
    }
    const key = keyOf(socket);
    this.#perAddress.set(address, count + 1);
    const timer = setTimeout(() => socket.destroy(), this.#limits.lifetimeMs);
    this.#strangers.set(key, { address, timer });
    socket.once('close', () => this.#drop(key));
  }

  /** Its certificate was verified: it is no stranger any more. */
  accept(socket: { readonly remoteAddress?: string | undefined; readonly remotePort?: number | undefined }): void {
    this.#drop(keyOf(socket));
  }

  #drop(key: string): void {
    const stranger = this.#strangers.get(key);
    if (stranger === undefined) return;
    clearTimeout(stranger.timer);
    this.#strangers.delete(key);
    const count = (this.#perAddress.get(stranger.address) ?? 1) - 1;
    if (count > 0) this.#perAddress.set(stranger.address, count);
    else this.#perAddress.delete(stranger.address);
  }
}

/** The same for the TCP socket and the TLS socket on top of it. */
function keyOf(socket: {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}): string {
  return `${socket.remoteAddress}|${socket.remotePort}`;
}
