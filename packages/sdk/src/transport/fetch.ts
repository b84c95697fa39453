import {
  ConnectionError,
  type Transport,
  type TransportOptions,
  type TransportRequest,
  type TransportResponse,
} from './transport.ts';

/** For browsers. The browser decides about certificates, so `ca` has no effect here. */
export function createTransport(_options: TransportOptions): Transport {
  return { send, close: () => {} };
}

async function send(request: TransportRequest): Promise<TransportResponse> {
  const silence = new AbortController();
  const signals = request.signal === null ? [silence.signal] : [silence.signal, request.signal];
  const timer = setTimeout(() => silence.abort(), request.answerTimeoutMs);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      signal: AbortSignal.any(signals),
    });
    return {
      status: response.status,
      header: (name) => response.headers.get(name),
      body: bodyOf(response, request),
    };
  } catch (error) {
    throw explain(error, request);
  } finally {
    clearTimeout(timer);
  }
}

async function* bodyOf(response: Response, request: TransportRequest): AsyncGenerator<Uint8Array, void> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw explain(error, request);
  } finally {
    // The reader may leave early; without this the connection would stay open.
    await reader.cancel().catch(() => undefined);
  }
}

function explain(error: unknown, request: TransportRequest): unknown {
  if (request.signal?.aborted === true) return request.signal.reason;
  // A browser does not say why a fetch failed, so it counts as lost: the request may have been carried out.
  return new ConnectionError('lost', `no answer from ${new URL(request.url).host}`, { cause: error });
}
