/** The seam between a watch and the network: the package `ws` on Node (headers, own CA), WebSocket in browsers. */

export interface SocketOptions {
  /** `ws:` or `wss:`. */
  readonly url: string;
  readonly token: string | null;
  /** As of the client; no effect in browsers. */
  readonly ca: string | null;
  readonly userAgent: string | null;
  readonly openTimeoutMs: number;
}

export interface SocketEvents {
  onText(text: string): void;
  /** Once, after the socket was open. */
  onClose(code: number, reason: string): void;
}

export interface Socket {
  send(text: string): void;
  /** `onClose` still comes. */
  close(): void;
  /** Without a good-bye, for a peer that says nothing any more. */
  destroy(): void;
}

/** Resolves once it is open. Rejects with a ConnectionError, or an ApiError where the master's refusal can be read. */
export type OpenSocket = (options: SocketOptions, events: SocketEvents) => Promise<Socket>;
