import fs from 'node:fs';
import path from 'node:path';
import { readTrace, TraceError, type TraceText } from './file.ts';
import { type GavelJob, GavelThroughputs, parseGavelJobs } from './gavel.ts';
import {
  type Arrival,
  type OpenbNode,
  type OpenbPod,
  parseArrivals,
  parseOpenbNodes,
  parseOpenbPods,
} from './openb.ts';
import { type PhillyJob, parsePhilly } from './philly.ts';
import { type PublishedBatch, type PublishedPacking, parsePublishedBatch, parsePublishedPacking } from './published.ts';
import { parseSwf, type SwfLog } from './swf.ts';

/** The ten public pod lists. */
export const OPENB_LISTS = [
  ...['default', 'cpu050', 'cpu100', 'cpu250', 'gpushare40', 'gpushare100'],
  ...['gpuspec10', 'gpuspec33', 'multigpu20', 'multigpu50'],
] as const;

export const NODE_LISTS = ['gpu_node', 'all_node', 'small'] as const;
export type NodeList = (typeof NODE_LISTS)[number];

const WHERE_TO_GET = [
  'openb/openb_node_list_*.csv, openb/openb_pod_list_*.csv: github.com/alibaba/clusterdata, cluster-trace-gpu-v2023',
  'openb/arrivals/*: the request orders of hkust-adsl/kubernetes-scheduler-simulator',
  'swf/*.swf: Parallel Workloads Archive; swf/lublin-*: github.com/DIR-LAB/deep-batch-scheduler',
  'philly/philly_jobs.csv: github.com/msr-fiddle/philly-traces; gavel/*: github.com/stanford-futuredata/gavel',
];

/** A folder with recorded workloads, in sub-folders by set. Files may be packed (`.gz`). */
export class TraceFolder {
  readonly path: string;

  private constructor(folder: string) {
    this.path = folder;
  }

  /** Throws a `TraceError` that says where the data can be had when there is no such folder. */
  static open(folder: string | undefined): TraceFolder {
    if (folder !== undefined && fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true)
      return new TraceFolder(folder);
    const found = folder === undefined ? 'No traces are given' : `${folder} is no folder`;
    throw new TraceError(
      [`${found}: use --traces DIR or set CLOUDAI_TRACES.`, 'The data is not part of CloudAI:', ...WHERE_TO_GET].join(
        '\n  ',
      ),
    );
  }

  openbNodes(list: NodeList = 'gpu_node'): OpenbNode[] {
    return parseOpenbNodes(this.#read(`openb/openb_node_list_${list}.csv`));
  }

  openbPods(list: string): OpenbPod[] {
    return parseOpenbPods(this.#read(`openb/openb_pod_list_${list}.csv`));
  }

  arrivals(list: string, pods: number, nodes: number): Arrival[] {
    return parseArrivals(this.#read(`openb/arrivals/arrivals_${list}.csv`), pods, nodes);
  }

  publishedPacking(): PublishedPacking[] {
    return parsePublishedPacking(this.#read('published/fgd.csv'));
  }

  publishedBatch(): PublishedBatch[] {
    return parsePublishedBatch(this.#read('published/rlscheduler.csv'));
  }

  /** By name, as `lublin-1`. */
  swf(name: string): SwfLog {
    return { ...parseSwf(this.#read(`swf/${name}.swf`)), name };
  }

  philly(): PhillyJob[] {
    return parsePhilly(this.#read('philly/philly_jobs.csv'));
  }

  gavelJobs(name: string): GavelJob[] {
    return parseGavelJobs(this.#read(`gavel/${name}.csv`));
  }

  gavelThroughputs(): GavelThroughputs {
    return new GavelThroughputs(this.#read('gavel/simulation_throughputs.json'));
  }

  #read(name: string): TraceText {
    const plain = path.join(this.path, name);
    const found = [plain, `${plain}.gz`].find((file) => fs.existsSync(file));
    if (found !== undefined) return readTrace(found);
    const folder = path.dirname(plain);
    const beside = fs.existsSync(folder) ? fs.readdirSync(folder).filter((file) => file !== 'arrivals') : [];
    const hint = beside.length === 0 ? `${folder} is empty or missing` : `there is ${beside.join(', ')}`;
    throw new TraceError(`${plain}[.gz] does not exist; ${hint}`);
  }
}
