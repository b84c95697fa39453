/** The health protocol: `SERVING` as `/ready` of the REST port says it, for the whole and for each service. */

import { setTimeout as delay } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { agentWire, healthWire, userWire } from '@cloudai/api';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';

type Health = MessageInitShape<typeof healthWire.HealthCheckResponseSchema>;

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = healthWire.HealthCheckResponse_ServingStatus;
const SERVICES: ReadonlySet<string> = new Set(['', userWire.CloudAI.typeName, agentWire.MasterAgent.typeName]);
const LOOK_EVERY_MS = 1_000;
/** Anybody may watch, so only so many. */
const MOST_WATCHES = 100;

export function healthService(isReady: () => boolean): ServiceImpl<typeof healthWire.Health> {
  let watches = 0;
  const statusOf = (service: string) => (SERVICES.has(service) ? (isReady() ? SERVING : NOT_SERVING) : SERVICE_UNKNOWN);
  return {
    check({ service }) {
      if (!SERVICES.has(service)) throw new ConnectError(`There is no service ${service}`, Code.NotFound);
      return { status: statusOf(service) };
    },

    async *watch({ service }, { signal }): AsyncGenerator<Health> {
      if (watches >= MOST_WATCHES) throw new ConnectError('Too many health watches are open', Code.ResourceExhausted);
      watches += 1;
      try {
        for (let told: number | null = null; !signal.aborted; ) {
          const status = statusOf(service);
          if (status !== told) yield { status };
          told = status;
          // An abort is how a watch ends.
          await delay(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => {});
        }
      } finally {
        watches -= 1;
      }
    },
  };
}
