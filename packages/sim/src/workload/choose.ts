import { NODE_LISTS, type NodeList, type TraceFolder } from '../traces/folder.ts';
import { readHistory } from './history.ts';
import type { Workload } from './job.ts';
import { AS_LOGGED, gavelWorkload, openbWorkload, phillyWorkload, swfWorkload } from './recorded.ts';

export interface WorkloadChoice {
  /** `swf:NAME`, `openb:LIST`, `philly`, `gavel:NAME` or `history:FILE`. */
  readonly what: string;
  /** Arrivals come this many times as fast as recorded; philly: what arrives over what the machines can do. */
  readonly load: number;
  /** Only so many jobs, from the begin; null: all. */
  readonly take: number | null;
  /** openb: which nodes, and pods from which second on. */
  readonly nodes: string;
  readonly from: number;
  /** Opened when it is needed. */
  readonly traces: () => TraceFolder;
}

const KINDS = 'swf:NAME, openb:LIST, philly, gavel:NAME or history:FILE';
/** Philly holds months of thousands of machines; this many jobs of it are a replay of seconds. */
const PHILLY_JOBS = 5_000;

/** Throws a `RangeError` for what is none. */
export function recordedWorkload(choice: WorkloadChoice): Workload {
  const { what, load, take, traces } = choice;
  const at = what.indexOf(':');
  const [kind, name] = at < 0 ? [what, ''] : [what.slice(0, at), what.slice(at + 1)];
  switch (kind) {
    case 'swf':
      return taken(faster(swfWorkload(traces().swf(name), AS_LOGGED), load), take);
    case 'openb': {
      const { from } = choice;
      return taken(
        openbWorkload(traces().openbNodes(nodeList(choice.nodes)), traces().openbPods(name), { from, load }),
        take,
      );
    }
    case 'philly':
      return phillyWorkload(traces().philly(), take ?? PHILLY_JOBS, load);
    case 'gavel': {
      const jobs = traces().gavelJobs(name);
      return taken(faster(gavelWorkload(jobs, traces().gavelThroughputs(), name), load), take);
    }
    case 'history':
      return taken(faster(readHistory(name), load), take);
    default:
      throw new RangeError(`${what} is no workload: ${KINDS} is expected.`);
  }
}

function nodeList(name: string): NodeList {
  const found = NODE_LISTS.find((list) => list === name);
  if (found === undefined) throw new RangeError(`There is no node list ${name}; there are ${NODE_LISTS.join(', ')}.`);
  return found;
}

function taken(workload: Workload, take: number | null): Workload {
  return take === null ? workload : { ...workload, jobs: workload.jobs.slice(0, take) };
}

function faster(workload: Workload, load: number): Workload {
  if (load === 1) return workload;
  const jobs = workload.jobs.map((job) => ({ ...job, submitMs: Math.ceil(job.submitMs / load) }));
  return { ...workload, name: `${workload.name} at load ${load}`, jobs };
}
