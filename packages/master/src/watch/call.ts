import type { OperationName } from '@cloudai/api/rest';
import type { Subject } from '../authorize.ts';
import type { MasterContext } from '../context.ts';
import type { Call } from '../operations/index.ts';

/** A topic shows what its list shows, so it is authorised as that operation. */
export function callOf(context: Pick<MasterContext, 'newId'>, subject: Subject, operation: OperationName): Call {
  return { operation, subject, requestId: context.newId(), idempotencyKey: null };
}
