/** Checks a batch log against the jobs alone: each once, none before its submit, processors never exceeded. */
import type { BatchJob } from '../protocols/rls.ts';

export interface BatchVerdict {
  readonly problems: readonly string[];
  /** Mean over the sequences of the mean bounded slowdown. */
  readonly slowdown: number;
}

export function refereeBatch(
  log: string,
  sequences: readonly (readonly BatchJob[])[],
  processors: number,
): BatchVerdict {
  const problems: string[] = [];
  const lines = log.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.shift() !== 'seq,job,start') problems.push('wrong header');
  const starts = sequences.map(() => new Map<number, number>());
  for (const line of lines) {
    const [seq, job, start] = line.split(',').map(Number);
    if (starts[seq!]?.has(job!) !== false) problems.push(`a sequence that is none, or a job twice: ${line}`);
    else starts[seq!]!.set(job!, start!);
  }
  const means = sequences.map((jobs, seq) => {
    const own = starts[seq]!;
    if (own.size !== jobs.length) problems.push(`sequence ${seq} has ${own.size} starts for ${jobs.length} jobs`);
    const moves: { at: number; processors: number }[] = [];
    let sum = 0;
    for (const job of jobs) {
      const start = own.get(job.number) ?? Number.NaN;
      if (!(start >= job.submit)) problems.push(`job ${job.number} starts at ${start}, submitted at ${job.submit}`);
      moves.push({ at: start, processors: job.processors }, { at: start + job.run, processors: -job.processors });
      sum += Math.max(1, (start - job.submit + job.run) / Math.max(10, job.run));
    }
    let held = 0;
    for (const move of moves.sort((a, b) => a.at - b.at || a.processors - b.processors)) {
      held += move.processors;
      if (held > processors) problems.push(`sequence ${seq} holds ${held} processors at ${move.at}`);
    }
    return sum / jobs.length;
  });
  return { problems, slowdown: means.reduce((sum, one) => sum + one, 0) / means.length };
}
