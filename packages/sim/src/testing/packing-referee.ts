/**
 * Checks a packing log against the lists alone: it knows no engine and no policy, and keeps its own books.
 */
import type { Arrival, OpenbNode, OpenbPod } from '../traces/openb.ts';

export interface PackingVerdict {
  readonly problems: readonly string[];
  /** A pod was refused though a node had room. */
  readonly avoidable: number;
  /** In percent at 130 % of the GPUs asked for. */
  readonly allocation: number;
}

interface NodeBook {
  readonly node: OpenbNode;
  cpu: number;
  memory: number;
  readonly free: number[];
}

export function refereePacking(
  log: string,
  nodes: readonly OpenbNode[],
  pods: readonly OpenbPod[],
  arrival: Arrival,
): PackingVerdict {
  const order = pods.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const books = new Map<string, NodeBook>();
  for (const node of nodes)
    books.set(node.name, { node, cpu: node.cpuMillis, memory: node.memoryMib, free: new Array(node.gpus).fill(1000) });
  const total = nodes.reduce((sum, node) => sum + node.gpus, 0) * 1000;
  const lines = log.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const problems: string[] = [];
  if (lines.shift() !== 'seed,seq,pod,node,gpus') problems.push('wrong header');
  if (lines.length !== arrival.pods.length) problems.push(`${lines.length} lines for ${arrival.pods.length} arrivals`);
  let avoidable = 0;
  let asked = 0;
  let held = 0;
  const near: number[] = [];
  for (const [at, line] of lines.entries()) {
    const [seed, seq, name, nodeName, gpus] = line.split(',');
    const pod = order[arrival.pods[at] ?? -1];
    if (pod === undefined || Number(seed) !== arrival.seed || Number(seq) !== at || name !== pod.name) {
      problems.push(`line ${at}: not the arrival that is due: ${line}`);
      break;
    }
    asked += pod.gpuMillis;
    if (nodeName === '') {
      if ([...books.values()].some((book) => hasRoom(book, pod))) avoidable++;
    } else {
      const problem = take(books.get(nodeName!), pod, gpus === '' ? [] : gpus!.split('-').map(Number));
      if (problem === null) held += pod.gpuMillis;
      else problems.push(`line ${at}: ${problem}: ${line}`);
    }
    const percent = (asked / total) * 100;
    if (percent >= 129.5 && percent < 130.5) near.push((held / total) * 100);
  }
  return { problems, avoidable, allocation: near.reduce((sum, one) => sum + one, 0) / near.length };
}

function hasRoom(book: NodeBook, pod: OpenbPod): boolean {
  if (book.cpu < pod.cpuMillis || book.memory < pod.memoryMib) return false;
  if (pod.gpuMillis === 0) return true;
  if (pod.models.length > 0 && !pod.models.includes(book.node.model ?? '')) return false;
  const each = Math.min(1000, pod.gpuMillis);
  return book.free.filter((free) => free >= each).length >= pod.gpuMillis / each;
}

function take(book: NodeBook | undefined, pod: OpenbPod, gpus: readonly number[]): string | null {
  if (book === undefined) return 'no such node';
  book.cpu -= pod.cpuMillis;
  book.memory -= pod.memoryMib;
  if (book.cpu < 0) return 'more CPU than there is';
  if (book.memory < 0) return 'more memory than there is';
  const each = Math.min(1000, pod.gpuMillis);
  if (gpus.length !== (each === 0 ? 0 : pod.gpuMillis / each)) return 'the wrong number of devices';
  if (new Set(gpus).size !== gpus.length) return 'a device twice';
  if (gpus.length > 0 && pod.models.length > 0 && !pod.models.includes(book.node.model ?? '')) return 'the wrong model';
  for (const gpu of gpus) {
    if (book.free[gpu] === undefined) return `no device ${gpu}`;
    book.free[gpu] -= each;
    if (book.free[gpu] < 0) return `more of device ${gpu} than there is`;
  }
  return null;
}
