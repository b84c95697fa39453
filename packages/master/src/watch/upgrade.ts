/** The way from an HTTP request to a watch: who asks, from where, and whether there is room. */
import { type IncomingHttpHeaders, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BEARER_PROTOCOL_PREFIX, WATCH_PATH, WATCH_PROTOCOL } from '@cloudai/api/watch';
import type { FastifyInstance } from 'fastify';
import { WebSocketServer } from 'ws';
import { Rejected } from '../operations/index.ts';
import type { Caller } from '../rest/authenticate.ts';
import { errorReply } from '../rest/error-reply.ts';
import type { RestLog } from '../rest/options.ts';
import type { WatchHub } from './hub.ts';
import { olderTarget } from './older.ts';

export interface UpgradeParts {
  readonly hub: WatchHub;
  readonly log: RestLog | undefined;
  readonly headers: Readonly<Record<string, string>>;
  requestId(request: IncomingMessage): string;
  /** The checks that every request has to pass; throws what is answered otherwise. */
  admit(request: IncomingMessage): Caller;
}

/** Of a client's frame: subscriptions are short. */
const MAX_FRAME_BYTES = 64 * 1024;
/** For a good-bye to be answered. */
const CLOSE_TIMEOUT_MS = 2_000;
const MOST_FRAGMENTS = 64;
/** Answers to pings that wait for a client that does not read; more than it may send at once. */
const MOST_PENDING_PONGS = 256;

/** A constant of its own, as the types do not know all of the options. */
const OPTIONS = {
  noServer: true,
  // Messages are small and many: deflate would cost more memory and time than it saves.
  perMessageDeflate: false,
  maxPayload: MAX_FRAME_BYTES,
  maxFragments: MOST_FRAGMENTS,
  maxPendingAutoPongs: MOST_PENDING_PONGS,
  closeTimeout: CLOSE_TIMEOUT_MS,
  clientTracking: false,
  handleProtocols: (offered: Set<string>) => (offered.has(WATCH_PROTOCOL) ? WATCH_PROTOCOL : false),
} as const;

/** Only requests for a watch leave HTTP; an upgrade to anything else is ignored, as HTTP allows. */
export function isUpgrade(request: IncomingMessage): boolean {
  const path = pathOf(request);
  return path === WATCH_PATH || olderTarget(path) !== null;
}

export function addUpgrade(app: FastifyInstance, parts: UpgradeParts): void {
  const server = new WebSocketServer(OPTIONS);
  app.server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const abandon = () => stream.destroy();
    stream.on('error', abandon);
    try {
      const older = olderTarget(pathOf(request));
      if (!isUpgrade(request)) throw new Rejected('not_found', `Only ${WATCH_PATH} takes an upgrade`);
      if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket')
        throw new Rejected('invalid_argument', `${WATCH_PATH} takes an upgrade to websocket by GET`);
      const caller = parts.admit(request);
      parts.hub.admit(caller);
      server.handleUpgrade(request, stream, head, (socket) => {
        stream.off('error', abandon);
        parts.hub.accept(socket, stream as Socket, caller, older);
      });
    } catch (error) {
      refuse(stream, error, parts.requestId(request), parts);
    }
  });
}

function refuse(stream: Duplex, error: unknown, requestId: string, { log, headers }: UpgradeParts): void {
  const reply = errorReply(error, requestId, log);
  const body = JSON.stringify(reply.body);
  const lines = Object.entries({
    ...headers,
    ...reply.headers,
    'x-request-id': requestId,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  stream.end(`HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status]}\r\n${lines.join('')}\r\n${body}`, () =>
    stream.destroy(),
  );
}

/** A page can set no headers; it offers its token as a subprotocol. */
export function withProtocolToken(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  if (headers.authorization !== undefined) return headers;
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
  const bearer = offered.find((name) => name.startsWith(BEARER_PROTOCOL_PREFIX));
  if (bearer === undefined) return headers;
  return { ...headers, authorization: `Bearer ${bearer.slice(BEARER_PROTOCOL_PREFIX.length)}` };
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0]!;
}
