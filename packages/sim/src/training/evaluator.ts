/** A thread that evaluates models: it reads the traces once and answers every request with the gains. */
import { parentPort, workerData } from 'node:worker_threads';
import { TraceFolder } from '../traces/folder.ts';
import { OrderTask } from './order-task.ts';
import { PlacementTask } from './placement-task.ts';
import type { Trained } from './task.ts';

export interface EvaluatorSetup {
  readonly what: Trained;
  readonly traces: string;
  readonly lists: readonly string[];
  readonly scale: number;
}

export interface EvaluatorRequest {
  readonly id: number;
  readonly vector: readonly number[];
  readonly orders: readonly number[];
}

export type EvaluatorAnswer =
  | { readonly id: number; readonly gains: readonly number[] }
  | { readonly id: number; readonly problem: string };

if (parentPort !== null) {
  const port = parentPort;
  const { what, traces, lists, scale } = workerData as EvaluatorSetup;
  const folder = TraceFolder.open(traces);
  const task = what === 'placement' ? new PlacementTask(folder, lists, scale) : new OrderTask(folder, lists);
  port.on('message', ({ id, vector, orders }: EvaluatorRequest) => {
    try {
      port.postMessage({ id, gains: task.gains(vector, orders) } satisfies EvaluatorAnswer);
    } catch (error) {
      port.postMessage({ id, problem: (error as Error).message } satisfies EvaluatorAnswer);
    }
  });
}
