/** What both ends of a watch agree on beside its messages. Imports nothing, so that clients load it alone. */

export const WATCH_PATH = '/api/v1/watch';

/** Subprotocol of the handshake. A client that can not set headers offers `bearer.<token>` beside it. */
export const WATCH_PROTOCOL = 'cloudai.watch.v1';
export const BEARER_PROTOCOL_PREFIX = 'bearer.';

export const WATCH_TOPICS = ['events', 'tasks', 'workers', 'queue', 'cluster', 'telemetry', 'logs'] as const;
export type WatchTopic = (typeof WATCH_TOPICS)[number];

/** Why the master closes a connection. After all but `unauthenticated` and the client's own faults: connect again. */
export const WATCH_CLOSE = {
  /** A frame is no JSON. */
  notJson: 1007,
  /** Too many frames or too many that ask for nothing that exists. */
  policy: 1008,
  /** The master stops or starts anew. */
  restarting: 1012,
  /** The token is expired or revoked, or its user is disabled. */
  unauthenticated: 4401,
  /** Role or namespaces of the user have changed; what may be seen now is told to a new connection. */
  rightsChanged: 4403,
} as const;

/** The master sends something at least this often, so that silence means a broken connection. */
export const WATCH_ALIVE_MS = 15_000;
