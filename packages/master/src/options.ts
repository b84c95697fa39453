import type { EngineConfig } from '@cloudai/engine';
import type { Retention } from '@cloudai/store';
import type { Logger } from 'pino';
import type { ClockOptions } from './clock.ts';
import type { MetricsAccess } from './rest/index.ts';
import type { GuardLimits } from './sessions/connection-guard.ts';
import type { SessionConfig } from './sessions/session.ts';

export interface MasterOptions {
  readonly dataDir: string;
  readonly version: string;
  /** Where workers dial in. Default 127.0.0.1:50051. Port 0 takes a free one. */
  readonly workers?: {
    readonly host?: string;
    readonly port?: number;
    /** Host, or host:port, by which workers reach this master, when it is another than the one listened on. */
    readonly advertise?: string;
  };
  /** Where users are answered. Default 127.0.0.1:8080. Beyond loopback it speaks TLS with a certificate of the cluster. */
  readonly rest?: {
    readonly host?: string;
    readonly port?: number;
    /** Further names of this master, for the certificate and the Host header. */
    readonly hosts?: readonly string[];
    /** Failed logins that one address may have in a minute; null: any number. Default 20. */
    readonly failedLogins?: number | null;
    /** Most requests of a user's token in a second; null: any number. Default 500; admins are not bounded. */
    readonly requestsPerSecond?: number | null;
    /** Origins whose pages may call the API with a token. Default: none. */
    readonly allowedOrigins?: readonly string[];
    /** Folder with the built files of the dashboard. Default: that of the package `web`. */
    readonly webRoot?: string;
  };
  /** gRPC for programs; not served without it. Beyond loopback with TLS, as `rest`, and under the names of `rest.hosts`. */
  readonly grpc?: {
    readonly host?: string;
    /** Default 50052, or none where that is taken. */
    readonly port?: number;
  };
  /** OTLP endpoint of traces. Default: `OTEL_EXPORTER_OTLP_ENDPOINT`; none are made without either. */
  readonly tracesEndpoint?: string;
  /** Who reads `/metrics` of the REST port beside admins. Default: nobody. */
  readonly metrics?: MetricsAccess;
  readonly engine?: Partial<EngineConfig>;
  readonly sessions?: Partial<SessionConfig>;
  readonly guard?: GuardLimits;
  /** Measurements beyond the memory of the process. Default 30 days and 2 GiB; null: none are kept. */
  readonly telemetry?: { readonly keepMs?: number; readonly maxBytes?: number } | null;
  /** Default: everything is kept. */
  readonly retention?: Retention & { readonly everyMs?: number };
  /** Largest file that is kept of a task. Default 10 GiB. */
  readonly artifactMaxBytes?: number;
  /** When the audit of the store begins after the start, ms. Default 15 s. */
  readonly auditAfterMs?: number;
  /** Set aside for the time when the disk is full. Default 64 MiB. */
  readonly reserveBytes?: number;
  /** Default 24 h. */
  readonly workerCertificateMs?: number;
  /** Least severe entries of the process's own log, when `log` is not given. Default `info`. */
  readonly logLevel?: string;
  readonly log?: Logger;
  /** For tests. */
  readonly clock?: ClockOptions;
}
