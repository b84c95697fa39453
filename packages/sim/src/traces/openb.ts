/**
 * The Alibaba GPU cluster of 2023 ("openb"): nodes, pods, and the request orders of the published packing experiments.
 * Q. Weng et al., Beware of Fragmentation, USENIX ATC 2023; cluster-trace-gpu-v2023.
 */
import { parseTable } from './csv.ts';
import { broken, type TraceText } from './file.ts';

export interface OpenbNode {
  readonly name: string;
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly gpus: number;
  /** Null without a GPU. */
  readonly model: string | null;
}

export interface OpenbPod {
  readonly name: string;
  readonly cpuMillis: number;
  readonly memoryMib: number;
  /** Thousandths of devices altogether: below 1,000 a share of one device, else whole devices of one node. */
  readonly gpuMillis: number;
  /** Permitted GPU models; empty: any. */
  readonly models: readonly string[];
  /** Seconds; null where the list has no times. */
  readonly createdAt: number | null;
  readonly scheduledAt: number | null;
  readonly deletedAt: number | null;
}

/** In which order pods arrive and nodes win ties, for one seed. */
export interface Arrival {
  readonly seed: number;
  /** Rows of the pod list sorted by name. */
  readonly pods: readonly number[];
  /** Per node in the order of names its rank; the lowest wins a tie. */
  readonly nodeRanks: readonly number[];
}

const DEVICE_MILLIS = 1000;

export function parseOpenbNodes(source: TraceText): OpenbNode[] {
  return parseTable(source, ['sn', 'cpu_milli', 'memory_mib', 'gpu', 'model']).map((row) => {
    const gpus = row.integer('gpu');
    if (gpus > 0 && row.text('model') === '') throw row.wrong(`${gpus} GPUs without a model`);
    return {
      name: row.name('sn'),
      cpuMillis: row.integer('cpu_milli', 1),
      memoryMib: row.integer('memory_mib', 1),
      gpus,
      model: row.text('model') === '' ? null : row.text('model'),
    };
  });
}

const POD_COLUMNS = ['name', 'cpu_milli', 'memory_mib', 'num_gpu', 'gpu_milli'];
const POD_EXTRA = ['gpu_spec', 'qos', 'pod_phase', 'creation_time', 'deletion_time', 'scheduled_time'];

export function parseOpenbPods(source: TraceText): OpenbPod[] {
  return parseTable(source, POD_COLUMNS, POD_EXTRA).map((row) => {
    const count = row.integer('num_gpu');
    const millis = row.integer('gpu_milli');
    if (count === 0 ? millis !== 0 : millis < 1 || millis > DEVICE_MILLIS || (count > 1 && millis !== DEVICE_MILLIS))
      throw row.wrong(`${count} GPUs of ${millis} thousandths each: a share is of one device`);
    const models = row.text('gpu_spec').split('|');
    return {
      name: row.name('name'),
      cpuMillis: row.integer('cpu_milli'),
      memoryMib: row.integer('memory_mib'),
      gpuMillis: count * millis,
      models: models.filter((model) => model !== ''),
      createdAt: row.integerOrNull('creation_time'),
      scheduledAt: row.integerOrNull('scheduled_time'),
      deletedAt: row.integerOrNull('deletion_time'),
    };
  });
}

/** Lines `pods,SEED,row,...` and `nodes,SEED,rank,...`; every row and rank has to exist. */
export function parseArrivals(source: TraceText, pods: number, nodes: number): Arrival[] {
  const seeds = new Map<number, { pods?: number[]; nodes?: number[] }>();
  for (const [index, line] of source.text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [kind, seedText, ...rest] = line.trimEnd().split(',');
    const seed = Number(seedText);
    if ((kind !== 'pods' && kind !== 'nodes') || !Number.isSafeInteger(seed))
      throw broken(source, index + 1, 'expected pods,SEED,... or nodes,SEED,...');
    const limit = kind === 'pods' ? pods : nodes;
    const numbers = rest.map(Number);
    const wrong = numbers.find((number) => !Number.isSafeInteger(number) || number < 0 || number >= limit);
    if (wrong !== undefined) throw broken(source, index + 1, `${wrong} is not a row of the ${limit} ${kind}`);
    if (kind === 'nodes' && new Set(numbers).size !== nodes)
      throw broken(source, index + 1, `${new Set(numbers).size} different ranks for ${nodes} nodes`);
    const entry = seeds.get(seed) ?? {};
    if (entry[kind] !== undefined) throw broken(source, index + 1, `a second line of ${kind} for seed ${seed}`);
    entry[kind] = numbers;
    seeds.set(seed, entry);
  }
  return [...seeds].map(([seed, entry]) => {
    if (entry.pods === undefined || entry.nodes === undefined)
      throw broken(source, 1, `seed ${seed} lacks its ${entry.pods === undefined ? 'pods' : 'nodes'} line`);
    return { seed, pods: entry.pods, nodeRanks: entry.nodes };
  });
}
