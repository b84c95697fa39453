/** Pods with durations in time: the decision log of a replay, one line a run. */
import type { Replay } from '../cluster/record.ts';

/** Seconds from the first arrival. A pod that was stopped and started again has several lines. */
export function timelineLog(replay: Replay): string {
  const lines = replay.jobs.flatMap((job) =>
    job.runs.map(
      ({ workerId, gpus, startMs, endMs }) =>
        `${job.jobId},${workerId},${gpus.map((share) => share.index).join('-')},${startMs / 1000},${endMs / 1000}`,
    ),
  );
  const about = `# workload=${replay.workload} scheduler=${replay.scheduler}`;
  return `${[about, 'pod,node,gpus,start,end', ...lines].join('\n')}\n`;
}
