/** Training jobs and how fast each kind runs on each GPU model. D. Narayanan et al., Heterogeneity-Aware Cluster Scheduling, OSDI 2020. */
import { parseTable } from './csv.ts';
import { broken, TraceError, type TraceText } from './file.ts';

export interface GavelJob {
  readonly jobType: string;
  readonly steps: number;
  /** Seconds. */
  readonly arrival: number;
  /** GPUs that it trains on at once. */
  readonly scale: number;
  readonly priority: number;
}

export function parseGavelJobs(source: TraceText): GavelJob[] {
  const required = ['job_type', 'total_steps', 'arrival', 'scale_factor'];
  return parseTable(source, required, ['priority', 'slo']).map((row) => ({
    jobType: row.name('job_type'),
    steps: row.integer('total_steps', 1),
    arrival: row.number('arrival'),
    scale: row.integer('scale_factor', 1),
    priority: row.integerOrNull('priority') ?? 1,
  }));
}

/** Steps a second of a job alone on a GPU model. */
export class GavelThroughputs {
  readonly models: readonly string[];
  readonly #source: TraceText;
  readonly #alone: ReadonlyMap<string, number>;

  constructor(source: TraceText) {
    this.#source = source;
    const alone = new Map<string, number>();
    const table = parseJson(source);
    this.models = Object.keys(table).sort();
    for (const model of this.models) {
      const kinds = table[model];
      if (typeof kinds !== 'object' || kinds === null) throw broken(source, 1, `${model} is no table`);
      for (const [kind, rates] of Object.entries(kinds)) {
        const rate: unknown = rates === null ? undefined : (rates as Record<string, unknown>).null;
        if (typeof rate !== 'number' || rate < 0) throw broken(source, 1, `${model} ${kind} has no rate of its own`);
        alone.set(`${model} ${kind}`, rate);
      }
    }
    this.#alone = alone;
  }

  /** Throws for a kind or a model that was never measured. */
  stepsPerSecond(model: string, job: Pick<GavelJob, 'jobType' | 'scale'>): number {
    const rate = this.#alone.get(`${model} ('${job.jobType}', ${job.scale})`);
    if (rate === undefined)
      throw new TraceError(`${this.#source.name} has no rate of ${job.jobType} on ${job.scale} ${model}`);
    return rate;
  }
}

function parseJson(source: TraceText): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(source.text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw new TraceError(`${source.name} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  throw broken(source, 1, 'a table of GPU models is expected');
}
