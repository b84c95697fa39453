import type { HubOptions } from '../watch/hub.ts';

/** What the server tells of its work, and what it answers to `GET /metrics`. */
export interface RestMetrics {
  /** `seconds` null: a stream. */
  onRequest(operation: string, status: number, seconds: number | null): void;
  readonly contentType: string;
  text(): Promise<string>;
}

export interface MetricsAccess {
  /** A bearer token that opens `/metrics` and nothing else. */
  readonly token: string | null;
  /** Without any token, for callers on this machine. */
  readonly openOnLoopback: boolean;
}

export interface RestOptions {
  /** Without it there is no `/metrics`. */
  readonly metrics?: RestMetrics;
  /** Who may read them beside admins. */
  readonly metricsAccess?: MetricsAccess;
  /** Address to listen on. Anything but a loopback address needs `tls`. */
  readonly host: string;
  /** 0 takes a free port; the answer of `startRest` has it. */
  readonly port: number;
  /** PEM: the key and the certificate of this server, which is issued by the cluster's own authority. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Names beside `localhost` and the address itself under which clients reach this server. */
  readonly hosts?: readonly string[];
  /** Failed logins that one address may have in a minute; null: any number. Default 20. */
  readonly failedLogins?: number | null;
  /** Most requests of a user's token in a second; null: any number. Default 500; admins are not bounded. */
  readonly requestsPerSecond?: number | null;
  /** Origins whose pages may call the API with a token. Default: none. */
  readonly allowedOrigins?: readonly string[];
  /** Folder with the built files of the dashboard. Default: that of the package `web`. */
  readonly webRoot?: string;
  /** Other figures for watches than the usual ones. */
  readonly watch?: HubOptions;
  /** Where failures of the server are written. */
  readonly log?: RestLog;
}

export interface RestLog {
  error(fields: object, message: string): void;
}
