/** The end of a socket: what may come in, what may wait to go out, and whether anybody is there. */
import type { Socket } from 'node:net';
import { WATCH_CLOSE } from '@cloudai/api/watch';
import type { RawData, WebSocket } from 'ws';
import type { Subject } from '../authorize.ts';
import type { Caller } from '../rest/authenticate.ts';

/** What waits in this process for a reader; beyond it nothing further is made for it. */
const MOST_WAITING_BYTES = 64 * 1024;
/** Messages for one reader before the others have their turn. */
const MOST_AT_ONCE = 200;
/** Frames of a client, pings included: so many at once, and so many a second on the average. */
const FRAMES_AT_ONCE = 200;
const FRAMES_PER_SECOND = 20;

export interface ReaderSocket {
  readonly socket: WebSocket;
  readonly stream: Socket;
  readonly caller: Caller;
  /** Called when there is room again. */
  wake(reader: Reader): void;
}

export abstract class Reader {
  readonly caller: Caller;
  readonly #socket: WebSocket;
  readonly #stream: Socket;
  #budget = 0;
  #frames = FRAMES_AT_ONCE;
  #framesAt = performance.now();
  #lastSentAt = performance.now();
  #hasShownLife = true;

  constructor({ socket, stream, caller, wake }: ReaderSocket) {
    this.caller = caller;
    this.#socket = socket;
    this.#stream = stream;
    socket.on('message', (data, isBinary) => {
      if (!this.isOpen() || !this.#mayTake()) return;
      this.#hasShownLife = true;
      this.take(data, isBinary);
    });
    socket.on('ping', () => this.#mayTake());
    socket.on('pong', () => {
      if (this.#mayTake()) this.#hasShownLife = true;
    });
    // The package closes the connection itself after a frame that is none.
    socket.on('error', () => {});
    socket.on('close', () => this.release());
    stream.on('drain', () => wake(this));
  }

  get subject(): Subject {
    return this.caller.subject;
  }

  /** A message of the client. */
  protected abstract take(data: RawData, isBinary: boolean): void;

  /** Lets go of everything that was made for it. May be called again. */
  protected abstract release(): void;

  /** Sends what there is. */
  protected abstract pumpSources(): void;

  protected abstract tickSources(now: number): void;

  /** A sign of life for those who know it. */
  protected aliveText(): string | null {
    return null;
  }

  /** True: it stopped to let others have their turn. */
  pump(): boolean {
    if (!this.isOpen()) return false;
    this.#budget = MOST_AT_ONCE;
    this.#stream.cork();
    this.pumpSources();
    this.#stream.uncork();
    return this.#budget <= 0;
  }

  tick(now: number): void {
    if (!this.isOpen()) return;
    this.#budget = MOST_AT_ONCE;
    this.tickSources(now);
  }

  /** Says something when nothing else was said for a while. */
  sayAlive(now: number, everyMs: number): void {
    if (!this.isOpen() || now - this.#lastSentAt < everyMs || !this.#hasBytes()) return;
    const text = this.aliveText();
    if (text !== null) this.sendText(text);
  }

  /** Ends the connection when nothing was heard since it was asked last: what a dead peer is sent, the kernel takes. */
  askForLife(): void {
    if (!this.#hasShownLife) {
      this.#socket.terminate();
      return;
    }
    this.#hasShownLife = false;
    this.#socket.ping();
  }

  close(code: number, reason: string): void {
    this.release();
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  protected isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** Whether more may be sent in this turn. */
  protected hasRoom(): boolean {
    return this.#budget > 0 && this.#hasBytes();
  }

  protected sendText(text: string): void {
    if (!this.isOpen()) return;
    this.#budget -= 1;
    this.#lastSentAt = performance.now();
    this.#socket.send(text);
  }

  #hasBytes(): boolean {
    return this.#socket.bufferedAmount < MOST_WAITING_BYTES;
  }

  /** A client that sends more than it may is cut off. */
  #mayTake(): boolean {
    const now = performance.now();
    this.#frames = Math.min(FRAMES_AT_ONCE, this.#frames + ((now - this.#framesAt) / 1000) * FRAMES_PER_SECOND);
    this.#framesAt = now;
    this.#frames -= 1;
    if (this.#frames >= 0) return true;
    this.close(WATCH_CLOSE.policy, `more than ${FRAMES_PER_SECOND} frames a second`);
    return false;
  }
}
