/** Everybody who watches: who may, whose turn it is, who is still there. */
import type { Socket } from 'node:net';
import { WATCH_ALIVE_MS, WATCH_CLOSE } from '@cloudai/api/watch';
import type { Change } from '@cloudai/engine';
import type { WebSocket } from 'ws';
import type { Subject } from '../authorize.ts';
import type { MasterContext } from '../context.ts';
import { type OperationsLayer, Rejected } from '../operations/index.ts';
import type { Caller } from '../rest/authenticate.ts';
import type { RestLog } from '../rest/options.ts';
import { rootOf, subjectOf } from '../subject.ts';
import { Connection, type ConnectionParts } from './connection.ts';
import { Feed, type FeedOptions } from './feed.ts';
import { type OlderTarget, openOlder } from './older.ts';
import { compileRequests } from './read-request.ts';
import type { Reader } from './reader.ts';
import { SampleFeed } from './sample-feed.ts';
import { SharedTexts } from './shared-texts.ts';
import { visibilityOf } from './source.ts';

export interface HubOptions {
  readonly feed?: FeedOptions;
  /** How often a reader is asked whether it is there; it is given up when it is not by the next time. */
  readonly pingMs?: number;
  /** Longest time in which nothing is said. */
  readonly aliveMs?: number;
  readonly maxConnections?: number;
  /** Sessions count for the token that they were opened with. */
  readonly maxPerToken?: number;
}

const PING_MS = 30_000;
const TICK_MS = 250;
/** Rights that end by the clock end a connection within this; others do at once. */
const RECHECK_MS = 2_000;
const MAX_CONNECTIONS = 2_000;
const MAX_PER_TOKEN = 500;
/** The loop belongs to the commands; readers have it for so long at a time. */
const SLICE_MS = 5;
/** Commits that follow each other so fast are told together. */
const GATHER_MS = 10;
/** For good-byes to be answered. */
const CLOSE_GRACE_MS = 1_000;

export class WatchHub {
  readonly feed: Feed;
  readonly #context: MasterContext;
  readonly #options: HubOptions;
  readonly #parts: ConnectionParts;
  readonly #connections = new Set<Reader>();
  /** Those that have something to do, in order. */
  readonly #ready = new Set<Reader>();
  #round: NodeJS.Immediate | null = null;
  #gather: NodeJS.Timeout | null = null;
  #tick: NodeJS.Timeout | null = null;
  #askedAt = 0;
  #checkedAt = 0;
  #isClosed = false;

  constructor(context: MasterContext, operations: OperationsLayer, log: RestLog | undefined, options: HubOptions = {}) {
    this.#context = context;
    this.#options = options;
    compileRequests();
    this.feed = new Feed(context.loop, options.feed);
    this.#parts = {
      context,
      operations,
      log,
      feed: this.feed,
      samples: new SampleFeed(context.usage),
      shared: new SharedTexts(),
      wake: (connection) => this.#wake(connection),
    };
    this.feed.onChange((changes) => this.#onChange(changes));
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Throws a Rejected when there is no room for one more. */
  admit({ subject }: Caller): void {
    const { maxConnections = MAX_CONNECTIONS, maxPerToken = MAX_PER_TOKEN } = this.#options;
    const token = rootOf(subject.tokenId);
    let own = 0;
    for (const other of this.#connections) if (rootOf(other.subject.tokenId) === token) own += 1;
    if (own >= maxPerToken || this.#connections.size >= maxConnections)
      throw new Rejected(
        'rate_limited',
        `${own} connections of this token and ${this.#connections.size} in all watch already; close some`,
      );
  }

  /** `older`: it speaks as earlier versions did. */
  accept(socket: WebSocket, stream: Socket, caller: Caller, older: OlderTarget | null): void {
    const now = performance.now();
    const end = { socket, stream, caller, wake: this.#parts.wake };
    const connection = older === null ? new Connection(end, this.#parts) : openOlder(end, this.#parts, older);
    this.#connections.add(connection);
    socket.on('close', () => this.#forget(connection));
    if (this.#tick === null) {
      this.#askedAt = now;
      this.#checkedAt = now;
      this.#tick = setInterval(() => this.#onTick(performance.now()), TICK_MS).unref();
    }
    // The rights may be others than when the handshake began.
    this.#recheck(connection);
    if (this.#isClosed) this.#sayGoodBye(connection);
  }

  /** Ends every connection with a hint to come back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const connection of this.#connections) this.#sayGoodBye(connection);
    const until = performance.now() + CLOSE_GRACE_MS;
    while (this.#connections.size > 0 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 10));
    for (const connection of this.#connections) connection.terminate();
  }

  #sayGoodBye(connection: Reader): void {
    connection.close(WATCH_CLOSE.restarting, 'the master is stopping; connect again to go on');
  }

  #forget(connection: Reader): void {
    this.#connections.delete(connection);
    this.#ready.delete(connection);
    if (this.#connections.size > 0 || this.#tick === null) return;
    clearInterval(this.#tick);
    this.#tick = null;
  }

  #onChange(changes: readonly Change[]): void {
    if (this.#connections.size === 0) return;
    if (changes.some(({ kind }) => kind === 'token' || kind === 'user')) this.#recheckAll();
    this.#gather ??= setTimeout(() => {
      this.#gather = null;
      for (const connection of this.#connections) this.#ready.add(connection);
      this.#startRound();
    }, GATHER_MS);
  }

  #wake(connection: Reader): void {
    if (!this.#connections.has(connection)) return;
    this.#ready.add(connection);
    this.#startRound();
  }

  #startRound(): void {
    this.#round ??= setImmediate(() => {
      this.#round = null;
      const until = performance.now() + SLICE_MS;
      for (const connection of this.#ready) {
        this.#ready.delete(connection);
        if (connection.pump()) this.#ready.add(connection);
        if (performance.now() > until) break;
      }
      if (this.#ready.size > 0) this.#startRound();
    });
  }

  #onTick(now: number): void {
    const { pingMs = PING_MS, aliveMs = WATCH_ALIVE_MS } = this.#options;
    const isTimeToAsk = now - this.#askedAt >= pingMs;
    if (isTimeToAsk) this.#askedAt = now;
    if (now - this.#checkedAt >= RECHECK_MS) {
      this.#checkedAt = now;
      this.#recheckAll();
    }
    for (const connection of this.#connections) {
      connection.tick(now);
      connection.sayAlive(now, aliveMs);
      if (isTimeToAsk) connection.askForLife();
    }
  }

  #recheckAll(): void {
    for (const connection of this.#connections) this.#recheck(connection);
  }

  #recheck(connection: Reader): void {
    const { subject, tokenHash } = connection.caller;
    const now = subjectOf(this.#context, tokenHash);
    if (now === null) connection.close(WATCH_CLOSE.unauthenticated, 'the token is expired or revoked');
    else if (!sameRights(now, subject))
      connection.close(WATCH_CLOSE.rightsChanged, 'the rights of this user have changed; connect again to go on');
  }
}

function sameRights(a: Subject, b: Subject): boolean {
  return a.role === b.role && (a.namespaces === b.namespaces || visibilityOf(a) === visibilityOf(b));
}
