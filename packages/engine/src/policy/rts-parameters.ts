/** What training has found for the policy `rts`, and what is allowed of it. */
import { isTaskType, TASK_TYPES, type TaskType } from './task-type.ts';

export interface RiskParameters {
  /** How much slower a task gets by CPU, memory and GPU asked for, and by load. */
  readonly theta: readonly [number, number, number, number];
  /** Weight of a second of lateness, and of full load. */
  readonly alpha: number;
  readonly beta: number;
  /** By task type and worker id: how well they go together. */
  readonly affinity: Readonly<Partial<Record<TaskType, Readonly<Record<string, number>>>>>;
  /** By worker id. */
  readonly penalty: Readonly<Record<string, number>>;
}

export const DEFAULT_RISK: RiskParameters = {
  theta: [0.1, 0.1, 0.3, 0.2],
  alpha: 10,
  beta: 1,
  affinity: {},
  penalty: {},
};

/** Entries of affinities and penalties together: one for each type and worker of a large cluster. */
export const MAX_RISK_ENTRIES = 50_000;

/** The first thing that is out of its range, as a sentence; null when all is sound. */
export function riskProblem({ theta, alpha, beta, affinity, penalty }: RiskParameters): string | null {
  if (theta.length !== 4) return `theta has ${theta.length} numbers; it takes 4.`;
  for (const [n, value] of theta.entries()) {
    const problem = rangeProblem(`theta${n + 1}`, value, 0, 10);
    if (problem !== null) return problem;
  }
  const weights = rangeProblem('alpha', alpha, 0, 1000) ?? rangeProblem('beta', beta, 0, 100);
  if (weights !== null) return weights;
  let entries = Object.keys(penalty).length;
  for (const [type, workers] of Object.entries(affinity)) {
    if (!isTaskType(type)) return `affinity names the task type ${type}; there are ${TASK_TYPES.join(', ')}.`;
    entries += Object.keys(workers).length;
    for (const [worker, value] of Object.entries(workers)) {
      const problem = rangeProblem(`affinity of ${type} to ${worker}`, value, -10, 10);
      if (problem !== null) return problem;
    }
  }
  if (entries > MAX_RISK_ENTRIES) return `${entries} affinities and penalties; at most ${MAX_RISK_ENTRIES} are taken.`;
  for (const [worker, value] of Object.entries(penalty)) {
    const problem = rangeProblem(`penalty of ${worker}`, value, 0, 100);
    if (problem !== null) return problem;
  }
  return null;
}

function rangeProblem(name: string, value: number, least: number, most: number): string | null {
  if (Number.isFinite(value) && value >= least && value <= most) return null;
  return `${name} is ${value}; it has to be a number from ${least} to ${most}.`;
}
