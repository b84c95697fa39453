/** Certificates for workers: the first for a join token, later ones for the current certificate. */
import { create } from '@bufbuild/protobuf';
import { workerWire as wire } from '@cloudai/api';
import type { Reply, Worker } from '@cloudai/engine';
import type { Authority } from '../identity/authority.ts';
import { CSR_MAX_BYTES, CsrError } from '../identity/certificates.ts';
import { JOIN_SECRET_LENGTH, sha256Hex } from '../identity/tokens.ts';
import type { MasterLoop } from '../loop.ts';
import { Unavailable } from '../unavailable.ts';
import { refusalError, refuse } from './refusal.ts';
import type { WorkerPeer } from './session.ts';

export interface JoinServices {
  readonly loop: Pick<MasterLoop, 'engine' | 'submit'>;
  readonly authority: Authority;
  readonly certificateMs: number;
  now(): number;
}

/** An answer that got lost on its way is given again for so long, to who asks with the same secret and request. */
const REPEAT_MS = 300_000;
const MOST_REPEATS = 1_000;

export class WorkerJoin {
  readonly #services: JoinServices;
  readonly #given = new Map<string, { readonly response: wire.RegisterWorkerResponse; readonly until: number }>();

  constructor(services: JoinServices) {
    this.#services = services;
  }

  async register(request: wire.RegisterWorkerRequest): Promise<wire.RegisterWorkerResponse> {
    const { workerId, joinSecret, csr } = request;
    if (workerId.length > 64 || joinSecret.length !== JOIN_SECRET_LENGTH || csr.byteLength > CSR_MAX_BYTES)
      throw refusalError(
        refuse('invalid_argument', 'The join token is not whole, or the certificate request is too long.'),
      );
    const repeatKey = sha256Hex(`${workerId}\n${joinSecret}\n${sha256Hex(csr)}`);
    const given = this.#given.get(repeatKey);
    if (given !== undefined && given.until > this.#services.now()) return given.response;

    const joinTokenHash = sha256Hex(joinSecret);
    const worker = this.#services.loop.engine.worker(workerId);
    // Looked at before the costly part, and again by the engine, whose word counts.
    if (worker === null || worker.joinToken?.hash !== joinTokenHash)
      accept(await this.#submit({ kind: 'joinWorker', workerId, joinTokenHash, certificateSerial: '' }));
    const issued = await this.#issue(workerId, csr, null);
    accept(await this.#submit({ kind: 'joinWorker', workerId, joinTokenHash, certificateSerial: issued.serial }));
    const response = create(wire.RegisterWorkerResponseSchema, {
      certificateChain: issued.chain.map((der) => new Uint8Array(der)),
      clusterId: this.#services.authority.clusterId,
    });
    this.#remember(repeatKey, response);
    return response;
  }

  /**
   * A fresh certificate for the holder of the current one. Nothing is stored yet: the old one counts until the new one
   * is shown for the first time, so an answer that gets lost costs nothing.
   */
  async renew(peer: WorkerPeer, request: wire.RenewCertificateRequest): Promise<wire.RenewCertificateResponse> {
    await this.acknowledge(peer);
    const problem = certificateProblem(peer, this.#services.loop.engine.worker(peer.workerId));
    if (problem !== null) throw refusalError(problem);
    const issued = await this.#issue(peer.workerId, request.csr, peer.serial);
    return create(wire.RenewCertificateResponseSchema, {
      certificateChain: issued.chain.map((der) => new Uint8Array(der)),
    });
  }

  /** A renewed certificate is shown for the first time: from now on it is the current one. */
  async acknowledge(peer: WorkerPeer): Promise<void> {
    const { workerId, serial, renews } = peer;
    const worker = this.#services.loop.engine.worker(workerId);
    if (worker === null || worker.certificateSerial === serial) return;
    // Spares a command; the engine compares again, and its word counts.
    if (renews === null || worker.certificateSerial !== renews) return;
    accept(await this.#submit({ kind: 'renewWorker', workerId, certificateSerial: serial, renews }));
  }

  async #issue(workerId: string, csr: Uint8Array, renews: string | null) {
    const { authority, certificateMs } = this.#services;
    try {
      return await authority.issueWorker(workerId, csr, renews, this.#services.now(), certificateMs);
    } catch (error) {
      if (error instanceof CsrError) throw refusalError(refuse('invalid_argument', `Refused: ${error.message}.`));
      throw error;
    }
  }

  async #submit(command: Parameters<MasterLoop['submit']>[0]): Promise<Reply> {
    try {
      return await this.#services.loop.submit(command);
    } catch (error) {
      if (error instanceof Unavailable) throw refusalError(refuse(error.code, error.message));
      throw error;
    }
  }

  #remember(key: string, response: wire.RegisterWorkerResponse): void {
    for (const oldest of this.#given.keys()) {
      if (this.#given.size < MOST_REPEATS) break;
      this.#given.delete(oldest);
    }
    this.#given.set(key, { response, until: this.#services.now() + REPEAT_MS });
  }
}

function accept(reply: Reply): void {
  if (!reply.ok) throw refusalError(refuse(reply.code, reply.message));
}

/** For calls beside the session, which the engine does not see. */
function certificateProblem(peer: WorkerPeer, worker: Worker | null) {
  if (worker === null) return refuse('worker_not_registered', `Worker ${peer.workerId} is not registered.`);
  if (worker.state === 'revoked') return refuse('worker_revoked', `Worker ${peer.workerId} was unregistered.`);
  if (worker.certificateSerial !== peer.serial)
    return refuse('certificate_superseded', `A newer certificate was issued to worker ${peer.workerId}.`);
  return null;
}
