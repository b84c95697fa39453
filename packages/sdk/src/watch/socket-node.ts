import { WATCH_PROTOCOL } from '@cloudai/api/watch';
import type { WebSocket } from 'ws';
import { toApiError } from '../api-error.ts';
import { explain } from '../transport/node.ts';
import { ConnectionError } from '../transport/transport.ts';
import type { Socket, SocketEvents, SocketOptions } from './socket.ts';

/** A message is a row or some lines of a log; what is larger comes from no master. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Of the body that explains a refusal. */
const MAX_REFUSAL_BYTES = 64 * 1024;

export async function openSocket(options: SocketOptions, events: SocketEvents): Promise<Socket> {
  // Loaded by those who watch: it takes its share of the start of a short command.
  const { WebSocket } = await import('ws');
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const url = new URL(options.url);
  const socket = new WebSocket(url, WATCH_PROTOCOL, {
    headers: {
      ...(options.token === null ? {} : { authorization: `Bearer ${options.token}` }),
      ...(options.userAgent === null ? {} : { 'user-agent': options.userAgent }),
    },
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handshakeTimeout: options.openTimeoutMs,
    ...(url.protocol === 'wss:' && options.ca !== null ? { ca: await withSystem(options.ca) } : {}),
  });
  let isOpen = false;
  socket.on('open', () => {
    isOpen = true;
    resolve(handleOf(socket));
  });
  socket.on('unexpected-response', (_request, response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      if (body.length < MAX_REFUSAL_BYTES) body += chunk;
    });
    response.on('close', () => {
      const { 'retry-after': retryAfter = null } = response.headers;
      reject(toApiError(response.statusCode ?? 0, body, url.host, retryAfter));
      socket.terminate();
    });
  });
  socket.on('message', (data: Buffer) => events.onText(data.toString('utf8')));
  socket.on('error', (error: Error) => {
    if (!isOpen) reject(explain(error, url, null));
  });
  socket.on('close', (code, reason) => {
    if (isOpen) events.onClose(code, reason.toString('utf8'));
    else reject(new ConnectionError('lost', `the connection to ${url.host} broke while it was being opened`));
  });
  return await promise;
}

function handleOf(socket: WebSocket): Socket {
  return {
    send: (text) => socket.send(text),
    close: () => socket.close(1000),
    destroy: () => socket.terminate(),
  };
}

async function withSystem(ca: string): Promise<string[]> {
  const { rootCertificates } = await import('node:tls');
  return [...rootCertificates, ca];
}
