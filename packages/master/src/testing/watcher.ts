/** Watches a REST server over a real socket; every message is held against its schema. */
import { once } from 'node:events';
import { WATCH_PATH, WATCH_PROTOCOL, type WatchMessage, type WatchRequest } from '@cloudai/api/watch';
import { MESSAGES } from '@cloudai/api/watch/schemas';
import { Compile, type Validator } from 'typebox/compile';
import { type ClientOptions, WebSocket } from 'ws';

const VALIDATORS: ReadonlyMap<string, Validator> = new Map(
  Object.entries(MESSAGES).map(([kind, schema]) => [kind, Compile(schema) as Validator]),
);

type Kind = WatchMessage['kind'];
type Message<K extends Kind> = Extract<WatchMessage, { readonly kind: K }>;

export class Watcher {
  readonly socket: WebSocket;
  /** What has come and was not taken yet. */
  readonly messages: WatchMessage[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #notice = () => {};

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
    });
    socket.on('message', (data) => {
      this.messages.push(checked(JSON.parse(String(data))));
      this.#notice();
    });
    socket.on('close', () => this.#notice());
    socket.on('error', () => {});
  }

  /** Open and welcome. */
  static async open(url: string, token: string | null, options: ClientOptions = {}): Promise<Watcher> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}${WATCH_PATH}`, WATCH_PROTOCOL, {
      ...options,
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...options.headers },
    });
    const watcher = new Watcher(socket);
    await once(socket, 'open');
    await watcher.next('welcome');
    return watcher;
  }

  send(request: WatchRequest | object | string): void {
    this.socket.send(typeof request === 'string' ? request : JSON.stringify(request));
  }

  /** Subscribes under the name of the topic; resolves when that is confirmed. */
  async subscribe(topic: string, filter: object = {}, id: string = topic): Promise<Message<'subscribed'>> {
    this.send({ kind: 'subscribe', id, topic, ...filter });
    return await this.next('subscribed', (message) => message.id === id);
  }

  /** The first message of this kind that has come or comes; what came before it is gone. */
  async next<K extends Kind>(kind: K, fits: (message: Message<K>) => boolean = () => true): Promise<Message<K>> {
    for (;;) {
      while (this.messages.length > 0) {
        const message = this.messages.shift()!;
        if (message.kind === kind && fits(message as Message<K>)) return message as Message<K>;
        if (message.kind === 'error' && kind !== 'error')
          throw new Error(`instead of ${kind}: ${message.error.code}: ${message.error.message}`);
      }
      if (this.socket.readyState !== WebSocket.OPEN && this.socket.readyState !== WebSocket.CONNECTING)
        throw new Error(`closed while waiting for ${kind}`);
      await this.arrival();
    }
  }

  /** Resolves with the next message or the end. */
  arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#notice = resolve;
    });
  }

  close(): void {
    this.socket.terminate();
  }
}

function checked(message: unknown): WatchMessage {
  const { kind } = message as { readonly kind: string };
  const validator = VALIDATORS.get(kind);
  if (validator === undefined) throw new Error(`no message has the kind ${kind}`);
  if (!validator.Check(message)) {
    const [first] = validator.Errors(message);
    throw new Error(`a message ${kind} does not fit its schema: ${first?.instancePath} ${first?.message}`);
  }
  return message as WatchMessage;
}

/** The HTTP status with which an upgrade is refused, and the answer's body. */
export async function refusalOf(
  url: string,
  options: ClientOptions & { readonly protocols?: readonly string[] } = {},
): Promise<{ readonly status: number; readonly body: string }> {
  const { protocols = [WATCH_PROTOCOL], ...rest } = options;
  const socket = new WebSocket(url.replace('http', 'ws'), [...protocols], rest);
  socket.on('error', () => {});
  try {
    const [first, second] = (await Promise.race([
      once(socket, 'unexpected-response'),
      once(socket, 'open').then(() => ['open', null]),
    ])) as [unknown, import('node:http').IncomingMessage | null];
    if (second === null) throw new Error(`the upgrade was not refused: ${String(first)}`);
    let body = '';
    for await (const chunk of second.setEncoding('utf8')) body += chunk;
    return { status: second.statusCode ?? 0, body };
  } finally {
    socket.terminate();
  }
}
