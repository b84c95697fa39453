import type { SchedulerView } from '@cloudai/api/rest';
import { placementPolicies } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { type Operations, submit } from './call.ts';

export function schedulerOperations(context: MasterContext): Pick<Operations, 'getScheduler' | 'useScheduler'> {
  return {
    getScheduler() {
      return viewOf(context);
    },

    async useScheduler(call, { body }) {
      await submit(context, { kind: 'useScheduler', placement: body.placement, by: call.subject.user }, 'done');
      return viewOf(context);
    },
  };
}

function viewOf(context: MasterContext): SchedulerView {
  return {
    placement: context.loop.engine.cluster().placement,
    available: placementPolicies().map(({ name, summary }) => ({ name, summary })),
  };
}
