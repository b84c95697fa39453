/**
 * Every operation of the cluster, the same for all transports: who may, what is asked, what is answered. A transport
 * brings a `Call` and the raw input, and gives the answer its form.
 */
import { OPERATIONS, type OperationName } from '@cloudai/api/rest';
import { authorize, checkAuthorizationTable } from '../authorize.ts';
import { CommittedSequence } from '../committed-sequence.ts';
import type { MasterContext } from '../context.ts';
import { Unavailable } from '../unavailable.ts';
import { artifactOperations } from './artifacts.ts';
import { bulkOperations } from './bulk.ts';
import type { Call, Operation, Operations, Output, SessionOpened } from './call.ts';
import { clusterOperations } from './cluster.ts';
import { eventOperations } from './events.ts';
import { jobOperations } from './jobs.ts';
import { LoginCodes } from './login-codes.ts';
import { logOperations } from './logs.ts';
import { previewOperations } from './preview.ts';
import { queueOperations } from './queue.ts';
import { Rejected } from './rejected.ts';
import { schedulerOperations } from './scheduler.ts';
import { sessionOperations, subjectOfLogin } from './session.ts';
import { taskOperations } from './tasks.ts';
import { telemetryOperations } from './telemetry.ts';
import { tenancyOperations } from './tenancy.ts';
import { compileValidators, type RawInput, validate } from './validate.ts';
import { TaskWatch } from './watch.ts';
import { workerOperations } from './workers.ts';

export type { ArchiveDownload, ArtifactDownload, ByteRange } from './artifacts.ts';
export type { Call, SessionOpened } from './call.ts';
export type { LogPiece, LogPlace, LogReading } from './logs.ts';
export { Rejected } from './rejected.ts';

/** When a client is asked to come back after the master could not take a command. */
const RETRY_AFTER_SECONDS = 1;

export interface OperationsLayer {
  /** Event sequence that everything which is performed from now on is at least as new as. */
  sequence(): number;
  /** Authorises, validates, performs. Rejects with `Rejected` for everything that is the caller's affair. */
  perform<Name extends OperationName>(
    name: Name,
    call: Omit<Call, 'operation'>,
    input: RawInput,
  ): Promise<Output<Name>>;
  /** `createSession` for somebody who has shown no token yet; the body has the token or the code. */
  logIn(requestId: string, body: unknown): Promise<SessionOpened>;
}

export function createOperations(context: MasterContext): OperationsLayer {
  checkAuthorizationTable(Object.keys(OPERATIONS));
  compileValidators();
  const logins = new LoginCodes(() => context.now());
  const operations = bind(context, logins);
  const sequence = new CommittedSequence(context.loop);
  const layer: OperationsLayer = {
    sequence: () => sequence.newest,
    async perform<Name extends OperationName>(name: Name, caller: Omit<Call, 'operation'>, input: RawInput) {
      const call: Call = { ...caller, operation: name };
      if (authorize(call.subject, name, null) !== 'allowed')
        throw new Rejected('forbidden', `The role ${call.subject.role} of ${call.subject.user} does not allow ${name}`);
      const operation: Operation<Name> = operations[name];
      try {
        const output = await operation(call, validate(name, input));
        // What was read may be ahead of the disk by a commit; an answer must not be taken back.
        await context.loop.settled();
        return output;
      } catch (error) {
        throw error instanceof Unavailable ? refusedBy(error) : error;
      }
    },
    async logIn(requestId, body) {
      const input = { params: {}, query: {}, body };
      const subject = subjectOfLogin(context, logins, validate('createSession', input).body);
      return await layer.perform('createSession', { subject, requestId, idempotencyKey: null }, input);
    },
  };
  return layer;
}

function bind(context: MasterContext, logins: LoginCodes): Operations {
  return {
    ...clusterOperations(context),
    ...taskOperations(context),
    ...previewOperations(context),
    ...bulkOperations(context),
    ...jobOperations(context),
    ...logOperations(context, new TaskWatch(context.loop)),
    ...artifactOperations(context),
    ...queueOperations(context),
    ...eventOperations(context),
    ...workerOperations(context),
    ...schedulerOperations(context),
    ...telemetryOperations(context),
    ...tenancyOperations(context),
    ...sessionOperations(context, logins),
  };
}

function refusedBy({ code, message }: Unavailable): Rejected {
  return new Rejected(code, message, undefined, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
