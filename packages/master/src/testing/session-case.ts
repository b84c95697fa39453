/** What cases about sessions share: workers that are let go of at the end, and the short way to a running attempt. */
import { ConnectError } from '@connectrpc/connect';
import { CODE_HEADER } from '../sessions/refusal.ts';
import type { FakeSession, FakeWorker } from './fake-worker.ts';
import { TestMaster, type TestMasterOptions } from './test-master.ts';

/** An ordinary end, without log and files. */
export const ENDED = { reason: 'exit_zero', exitCode: 0, endedAt: 1_800_000_000_000n };

export interface Key {
  readonly taskId: string;
  readonly attempt: number;
}

export class SessionCase {
  readonly master: TestMaster;
  readonly #workers: FakeWorker[] = [];

  private constructor(master: TestMaster) {
    this.master = master;
  }

  static async open(options: TestMasterOptions = {}): Promise<SessionCase> {
    return new SessionCase(await TestMaster.start(options));
  }

  /** Let go of at the end. */
  keep(worker: FakeWorker): FakeWorker {
    this.#workers.push(worker);
    return worker;
  }

  /** Registered and joined, under a name of its own. */
  async join(id = `w${this.#workers.length + 1}`): Promise<FakeWorker> {
    return this.keep(await this.master.join(id));
  }

  /** A new task runs on this worker; resolves with its attempt. */
  async runningOn(worker: FakeWorker, session: FakeSession): Promise<Key> {
    const taskId = await this.master.submitTask({ targetWorker: worker.id });
    await session.next('assign', (assign) => assign.key?.taskId === taskId);
    const key = { taskId, attempt: 1 };
    session.report(key, { case: 'running', value: { startedAt: 1n, containerId: 'c1', imageDigest: '' } });
    await session.next('reportAck');
    return key;
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) worker.disconnect();
    await this.master.close();
  }
}

export async function failure(call: Promise<unknown>): Promise<ConnectError> {
  return await call.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: unknown) => ConnectError.from(error),
  );
}

/** Code of the catalogue that a refused call carries. */
export async function refusalOf(call: Promise<unknown>): Promise<string | null> {
  return (await failure(call)).metadata.get(CODE_HEADER);
}
