/** Training jobs of Microsoft's Philly cluster. M. Jeon et al., Analysis of Large-Scale Multi-Tenant GPU Clusters, ATC 2019. */
import { parseTable } from './csv.ts';
import type { TraceText } from './file.ts';

export interface PhillyJob {
  /** The virtual cluster, which is the tenant. */
  readonly virtualCluster: string;
  /** Seconds after the first job. */
  readonly submit: number;
  readonly duration: number;
  /** Whole GPUs. */
  readonly gpus: number;
}

export function parsePhilly(source: TraceText): PhillyJob[] {
  return parseTable(source, ['vc', 'submit', 'duration', 'gpus']).map((row) => ({
    virtualCluster: row.name('vc'),
    submit: row.number('submit'),
    duration: row.number('duration'),
    gpus: row.integer('gpus', 1),
  }));
}
