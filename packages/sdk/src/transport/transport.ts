/** The seam between the client and the network: node:http(s) on Node (own CA), fetch in browsers. */
export interface TransportRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly signal: AbortSignal | null;
  /** Longest wait for the first byte of the answer. The body may take as long as it likes. */
  readonly answerTimeoutMs: number;
}

export interface TransportResponse {
  readonly status: number;
  header(name: string): string | null;
  /** Throws a ConnectionError when the connection breaks before the end. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface Transport {
  send(request: TransportRequest): Promise<TransportResponse>;
  /** Closes idle connections. */
  close(): void;
}

export interface TransportOptions {
  /** Certificate authority in PEM that the server's certificate must come from, besides the system's. */
  readonly ca: string | null;
}

/**
 * refused   nothing was sent: nobody listens, the name is unknown
 * tls       the server's certificate is not trusted; trying again is no use
 * lost      the connection broke or stayed silent; the request may have been carried out
 */
export type ConnectionErrorKind = 'refused' | 'tls' | 'lost';

/** No answer from the server. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly kind: ConnectionErrorKind;

  constructor(kind: ConnectionErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
