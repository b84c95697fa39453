import type { HubOptions } from '../watch/hub.ts';

export interface RestOptions {
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
