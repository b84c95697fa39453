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

interface Stranger {
  readonly address: string;
  readonly timer: NodeJS.Timeout;
}

/** What the TCP socket and the TLS socket on top of it have in common. */
interface Endpoint {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

export class ConnectionGuard {
  readonly #limits: GuardLimits;
  readonly #strangers = new Map<string, Stranger>();
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
    const stranger = { address, timer: setTimeout(() => socket.destroy(), this.#limits.lifetimeMs) };
    // A port can be taken again before the end of its last connection has been told.
    this.#drop(key, this.#strangers.get(key));
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    this.#strangers.set(key, stranger);
    socket.once('close', () => this.#drop(key, stranger));
  }

  /** Its certificate was verified: it is no stranger any more. */
  accept(socket: Endpoint): void {
    const key = keyOf(socket);
    this.#drop(key, this.#strangers.get(key));
  }

  #drop(key: string, stranger: Stranger | undefined): void {
    if (stranger === undefined || this.#strangers.get(key) !== stranger) return;
    clearTimeout(stranger.timer);
    this.#strangers.delete(key);
    const count = (this.#perAddress.get(stranger.address) ?? 1) - 1;
    if (count > 0) this.#perAddress.set(stranger.address, count);
    else this.#perAddress.delete(stranger.address);
  }
}

function keyOf({ remoteAddress, remotePort }: Endpoint): string {
  return `${remoteAddress}|${remotePort}`;
}
