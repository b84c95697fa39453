// The client's end of a watch, against a server that plays its part word by word.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WatchMessage, WatchRequest } from '@cloudai/api/watch';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { CloudAI } from '../client.ts';
import { openSocket as openInBrowser } from './socket-browser.ts';
import { Watch, type WatchOptions, type WatchState, watchUrl } from './watch.ts';

/** Accepts watches, notes what they ask for, and says what the case tells it to. */
class Script {
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly connections: WebSocket[] = [];
  readonly requests: WatchRequest[][] = [];
  readonly headers: Record<string, string | undefined>[] = [];
  /** HTTP status with which upgrades and calls are refused. */
  refusal: number | null = null;
  #notice = () => {};

  constructor() {
    this.#server = createServer((_request, response) => {
      response.statusCode = this.refusal ?? 200;
      response.end(this.refusal === null ? '{}' : JSON.stringify({ error: refusalOf(this.refusal) }));
    });
    this.#server.on('upgrade', (request, stream, head) => {
      if (this.refusal !== null) {
        const body = JSON.stringify({ error: refusalOf(this.refusal) });
        stream.end(`HTTP/1.1 ${this.refusal} No\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
        return;
      }
      this.#sockets.handleUpgrade(request, stream, head, (socket) => this.#accept(socket, request.headers as never));
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #accept(socket: WebSocket, headers: Record<string, string | undefined>): void {
    const requests: WatchRequest[] = [];
    this.connections.push(socket);
    this.requests.push(requests);
    this.headers.push(headers);
    socket.on('message', (data) => {
      requests.push(JSON.parse(String(data)) as WatchRequest);
      this.#notice();
    });
    socket.on('close', () => this.#notice());
    this.send({ kind: 'welcome', version: '1', epoch: this.connections.length, sequence: 1 });
    this.#notice();
  }

  /** To the newest connection. */
  send(message: WatchMessage): void {
    this.connections.at(-1)!.send(JSON.stringify(message));
  }

  async until(check: () => boolean): Promise<void> {
    while (!check()) {
      await new Promise<void>((resolve) => {
        this.#notice = resolve;
        setTimeout(resolve, 10);
      });
    }
  }

  /** What the newest connection has asked for, once it has asked for so much. */
  async asked(count: number, connections: number = 1): Promise<readonly WatchRequest[]> {
    await this.until(() => this.connections.length >= connections && (this.requests.at(-1)?.length ?? 0) >= count);
    return this.requests.at(-1)!;
  }

  close(): void {
    for (const socket of this.connections) socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function refusalOf(status: number) {
  const code = status === 401 ? 'unauthenticated' : 'unavailable';
  return { code, message: `refused with ${status}`, requestId: 'r-1' };
}

let script: Script;
let url: string;
let watch: Watch;
const states: WatchState[] = [];

beforeEach(async () => {
  script = new Script();
  url = await script.listen();
  states.length = 0;
});
afterEach(() => {
  watch.close();
  script.close();
});

function open(options: WatchOptions = {}): Watch {
  watch = new CloudAI({ url, token: 'secret' }).watch({
    backoff: { baseMs: 1, maxMs: 5 },
    onState: (state) => states.push(state),
    ...options,
  });
  return watch;
}

const event = (sequence: number, id = '1'): WatchMessage => ({
  ...{ kind: 'event', id, sequence },
  event: {
    ...{ sequence, at: '2027-01-01T00:00:00.000Z', kind: 'task_queued', namespace: 'default', taskId: 'a' },
    ...{ attempt: null, worker: null, by: null, message: null },
  },
});

describe('a connection that breaks', () => {
  test('is opened again, and every subscription goes on where it was, nothing twice', async () => {
    const seen: number[] = [];
    open().subscribe('events', { after: 5, kinds: ['task_queued'] }, (update) => {
      if (update.kind === 'event') seen.push(update.sequence);
    });
    expect(await script.asked(1)).toEqual([
      { kind: 'subscribe', id: '1', topic: 'events', after: 5, kinds: ['task_queued'] },
    ]);
    expect(script.headers[0]).toMatchObject({
      authorization: 'Bearer secret',
      'sec-websocket-protocol': 'cloudai.watch.v1',
    });
    script.send(event(6));
    script.send(event(9));
    await script.until(() => seen.length === 2);
    expect(watch.state).toBe('live');
    script.connections[0]!.terminate();
    const [again] = await script.asked(1, 2);
    expect(again).toMatchObject({ id: '1', after: 9 });
    script.send(event(9));
    script.send(event(10));
    script.send({ kind: 'synced', id: '1', sequence: 20 });
    await script.until(() => seen.length === 3);
    script.connections[1]!.close(1012, 'restarting');
    const [third] = await script.asked(1, 3);
    expect(third).toMatchObject({ after: 20 });
    expect(seen).toEqual([6, 9, 10]);
    expect(states).toEqual(['live', 'stale', 'live', 'stale', 'live']);
    expect(watch.master).toEqual({ version: '1', epoch: 3 });
  });

  test('one that says nothing any more counts as broken', async () => {
    open({ silenceMs: 100 });
    await script.until(() => script.connections.length >= 2);
    expect(states.slice(0, 2)).toEqual(['live', 'stale']);
  });

  test('a subscription from now goes on from where it began', async () => {
    open().subscribe('tasks', {}, () => {});
    expect(await script.asked(1)).toEqual([{ kind: 'subscribe', id: '1', topic: 'tasks' }]);
    script.send({ kind: 'subscribed', id: '1', sequence: 7 });
    script.connections[0]!.close(4403, 'rights');
    expect((await script.asked(1, 2))[0]).toMatchObject({ after: 7 });
  });

  test('a log goes on at the byte where it broke', async () => {
    let text = '';
    open().subscribe('logs', { task: 'abc' }, ({ line }) => {
      if (line.kind === 'data' && 'text' in line) text += line.text;
    });
    const data = (offset: number, part: string) =>
      script.send({
        ...{ kind: 'log', id: '1' },
        line: { kind: 'data', attempt: 2, stream: 'stdout', offset, at: '2027-01-01T00:00:00.000Z', text: part },
      });
    await script.asked(1);
    data(0, 'one\n');
    data(4, 'tw');
    await script.until(() => text === 'one\ntw');
    script.connections[0]!.terminate();
    expect((await script.asked(1, 2))[0]).toEqual({
      ...{ kind: 'subscribe', id: '1', topic: 'logs', task: 'abc', attempt: 'all' },
      offset: { attempt: 2, stdout: 6 },
    });
    data(4, 'two\n');
    await script.until(() => text === 'one\ntwo\n');
  });
});

describe('the end', () => {
  test('a token that is no good is no use to try again', async () => {
    script.refusal = 401;
    const errors: Error[] = [];
    open().subscribe('events', {}, { onUpdate: () => {}, onError: (error) => errors.push(error) });
    await script.until(() => watch.state === 'closed');
    expect(watch.error).toMatchObject({ code: 'unauthenticated', message: 'refused with 401' });
    expect(errors).toEqual([watch.error]);
    const late: Error[] = [];
    watch.subscribe('events', {}, { onUpdate: () => {}, onError: (error) => late.push(error) });
    await script.until(() => late.length === 1);
  });

  test('a token that is revoked meanwhile ends it, too', async () => {
    open();
    await script.until(() => watch.state === 'live');
    script.connections[0]!.close(4401, 'the token is revoked');
    await script.until(() => watch.state === 'closed');
    expect(watch.error).toMatchObject({ code: 'unauthenticated', message: 'the token is revoked' });
  });

  test('a master that is not ready is tried until it is', async () => {
    script.refusal = 503;
    open();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(watch.state).toBe('connecting');
    script.refusal = null;
    // The master's answer to a refused upgrade says when to come back; without that it is the usual wait.
    await script.until(() => watch.state === 'live');
  });

  test('closing ends everything, in order', async () => {
    const signal = new AbortController();
    const ends: string[] = [];
    open({ signal: signal.signal }).subscribe('queue', {}, { onUpdate: () => {}, onEnd: () => ends.push('queue') });
    await script.asked(1);
    signal.abort();
    await script.until(() => script.connections[0]!.readyState === 3);
    expect([watch.state, watch.error, ends]).toEqual(['closed', null, ['queue']]);
  });

  test('a refused subscription is told, and the others go on', async () => {
    const told: unknown[] = [];
    open().subscribe('logs', { task: 'none' }, { onUpdate: () => {}, onError: (error) => told.push(error) });
    watch.subscribe('events', {}, (update) => told.push(update.kind));
    await script.asked(2);
    script.send({ kind: 'error', id: '1', error: { code: 'task_unknown', message: 'No task has the id none' } });
    script.send(event(2, '2'));
    await script.until(() => told.length === 2);
    expect(told).toEqual([expect.objectContaining({ code: 'task_unknown' }), 'event']);
  });
});

describe('as something to read', () => {
  test('a slow reader of events takes its subscription back, and goes on without a gap', async () => {
    const stream = open().stream('events', { after: 0 });
    const first = stream.next();
    await script.asked(1);
    for (let sequence = 1; sequence <= 12_000; sequence++) script.send(event(sequence));
    expect((await first).value).toMatchObject({ sequence: 1 });
    const [, taken] = await script.asked(2);
    expect(taken).toEqual({ kind: 'unsubscribe', id: '1' });
    const again = script.asked(3).then((requests) => requests[2] as { readonly id: string; readonly after: number });
    let last = 1;
    let next = stream.next();
    for (;;) {
      const update = await Promise.race([next, again.then(() => null)]);
      if (update === null) break;
      expect(update.value).toMatchObject({ sequence: last + 1 });
      last += 1;
      next = stream.next();
    }
    const { id, after } = await again;
    expect(after).toBe(last);
    expect(id).not.toBe('1');
    script.send(event(after + 1, id));
    expect((await next).value).toMatchObject({ sequence: last + 1 });
    await stream.return();
    const all = await script.asked(4);
    expect(all.at(-1)).toEqual({ kind: 'unsubscribe', id });
  });

  test('a refusal is thrown, the end of a log ends it, and so does a signal', async () => {
    const refused = open().stream('logs', { task: 'none' });
    const first = refused.next();
    await script.asked(1);
    script.send({ kind: 'error', id: '1', error: { code: 'task_unknown', message: 'none' } });
    await expect(first).rejects.toMatchObject({ code: 'task_unknown' });
    const log = watch.stream('logs', { task: 'abc' });
    const end = log.next();
    await script.asked(2);
    script.send({ kind: 'unsubscribed', id: '2' });
    expect((await end).done).toBe(true);
    const stop = new AbortController();
    const events = watch.stream('events', {}, { signal: stop.signal });
    const never = events.next();
    stop.abort(new Error('enough'));
    await expect(never).rejects.toThrow('enough');
  });
});

describe('in a browser', () => {
  const openHere = (token: string | null) => {
    watch = new Watch(
      {
        openSocket: openInBrowser,
        socket: { url: watchUrl(url), token, ca: null, userAgent: null, openTimeoutMs: 5_000 },
        namespace: 'lab',
        probe: () => new CloudAI({ url, token: 'secret', retry: { limit: 0 } }).getVersion(),
      },
      { backoff: { baseMs: 1, maxMs: 5 }, onState: (state) => states.push(state) },
    );
    return watch;
  };

  test('a token goes as a subprotocol, the namespace of the client along', async () => {
    openHere('secret').subscribe('tasks', { state: 'running' }, () => {});
    expect(await script.asked(1)).toEqual([
      { kind: 'subscribe', id: '1', topic: 'tasks', namespace: 'lab', state: 'running' },
    ]);
    expect(script.headers[0]?.['sec-websocket-protocol']).toMatch(/^cloudai\.watch\.v1, ?bearer\.secret$/);
    script.connections[0]!.terminate();
    await script.asked(1, 2);
  });

  test('why a connection is refused is asked by a plain call', async () => {
    script.refusal = 401;
    openHere(null);
    await script.until(() => watch.state === 'closed');
    expect(watch.error).toMatchObject({ code: 'unauthenticated' });
  });
});

test('the address of the watch follows that of the master', () => {
  watch = open();
  expect(watchUrl('https://cluster.example/base')).toBe('wss://cluster.example/base/api/v1/watch');
});
