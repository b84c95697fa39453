// As much of the Docker Engine API as looking behind the cluster's back takes: the tests trust neither the worker's word
// nor its code, so they share nothing with its runtime.
import http from 'node:http';

export interface ContainerSummary {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
}

export interface ContainerDetail {
  readonly Id: string;
  readonly Name: string;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
  readonly Config: Readonly<Record<string, unknown>> & { readonly Labels: Readonly<Record<string, string>> };
  readonly HostConfig: Readonly<Record<string, unknown>>;
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

/** An answer of the engine with a status of 400 or more. */
export class DockerError extends Error {
  override readonly name = 'DockerError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export class Docker {
  readonly host: string;
  readonly #agent: http.Agent;

  /** `unix:///path` of an engine. The connections are kept, so that a measurement is not one of connecting. */
  constructor(host: string = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock') {
    if (!host.startsWith('unix://')) throw new Error(`these tests reach an engine by its unix socket, not by ${host}`);
    this.host = host;
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  }

  close(): void {
    this.#agent.destroy();
  }

  async ping(): Promise<boolean> {
    return (await this.bytes('GET', '/_ping')).toString() === 'OK';
  }

  containers(labels: Readonly<Record<string, string>> = {}): Promise<ContainerSummary[]> {
    const label = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    return this.json('GET', `/containers/json?all=1&filters=${encodeURIComponent(JSON.stringify({ label }))}`);
  }

  inspect(id: string): Promise<ContainerDetail> {
    return this.json('GET', `/containers/${id}/json`);
  }

  async networks(): Promise<{ Id: string; Name: string; Labels: Record<string, string> | null }[]> {
    return this.json('GET', '/networks');
  }

  async volumes(): Promise<{ Name: string; Labels: Record<string, string> | null }[]> {
    return (
      (
        await this.json<{ Volumes: { Name: string; Labels: Record<string, string> | null }[] | null }>(
          'GET',
          '/volumes',
        )
      ).Volumes ?? []
    );
  }

  async create(name: string | null, config: object): Promise<string> {
    const query = name === null ? '' : `?name=${encodeURIComponent(name)}`;
    return (await this.json<{ Id: string }>('POST', `/containers/create${query}`, config)).Id;
  }

  async start(id: string): Promise<void> {
    await this.bytes('POST', `/containers/${id}/start`);
  }

  /** The exit code, once the container has ended. */
  async wait(id: string, condition = 'not-running'): Promise<number> {
    return (await this.json<{ StatusCode: number }>('POST', `/containers/${id}/wait?condition=${condition}`))
      .StatusCode;
  }

  async logs(id: string): Promise<Buffer> {
    return demultiplex(await this.bytes('GET', `/containers/${id}/logs?stdout=1&stderr=1`));
  }

  async kill(id: string, signal = 'SIGKILL'): Promise<void> {
    await this.bytes('POST', `/containers/${id}/kill?signal=${signal}`);
  }

  /** Also of a running container, with its volumes; one that is not there is no error. */
  async remove(id: string): Promise<void> {
    await absentIsFine(this.bytes('DELETE', `/containers/${id}?force=1&v=1`));
  }

  async removeNetwork(id: string): Promise<void> {
    await absentIsFine(this.bytes('DELETE', `/networks/${id}`));
  }

  async removeVolume(name: string): Promise<void> {
    await absentIsFine(this.bytes('DELETE', `/volumes/${name}?force=1`));
  }

  async json<T>(method: string, path: string, body?: object): Promise<T> {
    return JSON.parse((await this.bytes(method, path, body)).toString()) as T;
  }

  bytes(method: string, path: string, body?: object | Buffer): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const isRaw = Buffer.isBuffer(body);
    const payload = body === undefined ? undefined : isRaw ? body : Buffer.from(JSON.stringify(body));
    const request = http.request({
      socketPath: this.host.slice('unix://'.length),
      agent: this.#agent,
      method,
      path,
      headers:
        payload === undefined
          ? {}
          : { 'content-type': isRaw ? 'application/x-tar' : 'application/json', 'content-length': payload.length },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const answer = Buffer.concat(chunks);
        const status = response.statusCode ?? 0;
        if (status >= 400) reject(new DockerError(status, `${method} ${path}: ${status} ${answer.toString().trim()}`));
        else resolve(answer);
      });
    });
    request.end(payload);
    return promise;
  }
}

async function absentIsFine(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    // 409: somebody else is removing it already.
    if (!(error instanceof DockerError) || (error.status !== 404 && error.status !== 409)) throw error;
  }
}

/** Frames of 8 bytes of header (stream, size) and the data, as the engine sends the log of a container without a terminal. */
function demultiplex(framed: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= framed.length; ) {
    const size = framed.readUInt32BE(at + 4);
    parts.push(framed.subarray(at + 8, at + 8 + size));
    at += 8 + size;
  }
  return Buffer.concat(parts);
}
