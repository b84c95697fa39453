import { BEARER_PROTOCOL_PREFIX, WATCH_PROTOCOL } from '@cloudai/api/watch';
import { ConnectionError } from '../transport/transport.ts';
import type { Socket, SocketEvents, SocketOptions } from './socket.ts';

/**
 * A browser sends its cookie along, and can set no headers: a token goes as a subprotocol. Why a connection was refused
 * is not told to scripts, so every refusal looks like a lost connection here.
 */
export function openSocket(options: SocketOptions, events: SocketEvents): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const bearer = options.token === null ? [] : [`${BEARER_PROTOCOL_PREFIX}${options.token}`];
  const socket = new WebSocket(options.url, [WATCH_PROTOCOL, ...bearer]);
  const { host } = new URL(options.url);
  let isOpen = false;
  let isOver = false;
  const end = (code: number, reason: string) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    if (isOpen) events.onClose(code, reason);
    else reject(new ConnectionError('lost', `no connection to ${host}${reason === '' ? '' : ` (${reason})`}`));
  };
  const timer = setTimeout(() => {
    end(1006, `no answer within ${options.openTimeoutMs / 1000} s`);
    socket.close();
  }, options.openTimeoutMs);
  socket.onopen = () => {
    if (isOver) return;
    isOpen = true;
    clearTimeout(timer);
    resolve({
      send: (text) => socket.send(text),
      close: () => socket.close(1000),
      destroy: () => {
        // A peer that is gone would not answer the good-bye, and a browser waits for that.
        end(1006, '');
        socket.close();
      },
    });
  };
  socket.onmessage = ({ data }) => {
    if (!isOver && typeof data === 'string') events.onText(data);
  };
  socket.onclose = ({ code, reason }) => end(code, reason);
  return promise;
}
