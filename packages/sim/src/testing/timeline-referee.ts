/** Checks a timeline log against lists and times alone, with books of its own. */
import type { OpenbNode, OpenbPod } from '../traces/openb.ts';

export interface TimelineVerdict {
  readonly problems: readonly string[];
  readonly meanSlowdown: number;
}

interface Run {
  readonly pod: OpenbPod;
  readonly node: OpenbNode;
  readonly gpus: readonly number[];
  readonly start: number;
  readonly end: number;
}

export function refereeTimeline(
  log: string,
  nodes: readonly OpenbNode[],
  pods: readonly OpenbPod[],
  load: number,
): TimelineVerdict {
  const problems: string[] = [];
  const first = Math.min(...pods.map((pod) => pod.createdAt!));
  const byPod = new Map(pods.map((pod) => [pod.name, pod]));
  const byNode = new Map(nodes.map((node) => [node.name, node]));
  const runs: Run[] = [];
  for (const line of log
    .trimEnd()
    .split('\n')
    .filter((text) => !text.startsWith('#'))
    .slice(1)) {
    const [name, nodeName, gpus, start, end] = line.split(',');
    const [pod, node] = [byPod.get(name!), byNode.get(nodeName!)];
    if (pod === undefined || node === undefined) problems.push(`unknown pod or node: ${line}`);
    else
      runs.push({
        pod,
        node,
        gpus: gpus === '' ? [] : gpus!.split('-').map(Number),
        start: Number(start),
        end: Number(end),
      });
  }
  let slowdowns = 0;
  for (const pod of pods) {
    const own = runs.filter((run) => run.pod === pod).sort((a, b) => a.start - b.start);
    const arrival = (pod.createdAt! - first) / load;
    const duration = pod.deletedAt! - pod.scheduledAt!;
    const ran = own.reduce((sum, run) => sum + run.end - run.start, 0);
    if (own.length === 0 || own[0]!.start < arrival) problems.push(`${pod.name} never ran, or before it was there`);
    if (Math.abs(ran - duration) > 1e-6) problems.push(`${pod.name} ran ${ran} of ${duration} s`);
    if (own.some((run, at) => at > 0 && run.start < own[at - 1]!.end)) problems.push(`${pod.name} runs twice at once`);
    slowdowns += Math.max(1, ((own.at(-1)?.end ?? 0) - arrival) / Math.max(duration, 10));
  }
  problems.push(...overfull(runs));
  return { problems, meanSlowdown: slowdowns / pods.length };
}

/** Sweeps each node in time, ends before starts. */
function overfull(runs: readonly Run[]): string[] {
  const problems: string[] = [];
  for (const node of new Set(runs.map((run) => run.node))) {
    const moves = runs
      .filter((run) => run.node === node && run.end > run.start)
      .flatMap((run) => [
        { at: run.end, sign: -1, run },
        { at: run.start, sign: 1, run },
      ])
      .sort((a, b) => a.at - b.at || a.sign - b.sign);
    const held = { cpu: 0, memory: 0, gpus: new Array<number>(node.gpus).fill(0) };
    for (const { at, sign, run } of moves) {
      held.cpu += sign * run.pod.cpuMillis;
      held.memory += sign * run.pod.memoryMib;
      const each = Math.min(1000, run.pod.gpuMillis);
      for (const gpu of run.gpus) held.gpus[gpu] = (held.gpus[gpu] ?? Number.POSITIVE_INFINITY) + sign * each;
      if (run.gpus.length * each !== run.pod.gpuMillis) problems.push(`${run.pod.name} has ${run.gpus.length} devices`);
      if (held.cpu > node.cpuMillis || held.memory > node.memoryMib || held.gpus.some((share) => share > 1000))
        problems.push(`${node.name} is overfull at ${at}`);
      if (run.pod.models.length > 0 && !run.pod.models.includes(node.model ?? ''))
        problems.push(`${run.pod.name} is on the wrong model`);
    }
  }
  return problems;
}
