/** The older spelling of a submit: `task [worker] image [-cpu_cores n] [-mem gb] [-storage gb] [-gpu_cores n] [-cmd ...]`. */
import type { TaskSubmission } from '@cloudai/sdk';
import { usageError } from './errors.ts';

export const OLDER_USAGE =
  '[worker] <image> [-cpu_cores n] [-mem gb] [-storage gb] [-gpu_cores n] [-name text] [-cmd line]';

export interface OlderRequest {
  readonly worker: string | null;
  readonly image: string;
  readonly name: string | null;
  readonly command: string | null;
  /** As written; bare numbers are cores, GB and devices. */
  readonly cpu: string;
  readonly memory: string;
  readonly storage: string;
  readonly gpu: string;
}

const FLAGS = new Set(['cpu_cores', 'mem', 'storage', 'gpu_cores', 'name', 'cmd']);

/** `isWorker` tells whether the first word is the id of a worker; with `workerFirst` it has to be. */
export function parseOlder(
  words: readonly string[],
  isWorker: (word: string) => boolean,
  workerFirst = false,
): OlderRequest {
  const operands: string[] = [];
  const values = new Map<string, string>();
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? '';
    const flag = flagOf(word);
    at++;
    if (flag === null) {
      if (word.startsWith('-')) throw usageError(`${word} is not an option of task`, `task ${OLDER_USAGE}`);
      operands.push(word);
      continue;
    }
    const end = flag === 'cmd' ? endOfCommand(words, at) : at + 1;
    if (at >= words.length || end === at) throw usageError(`${word} needs a value`, `task ${OLDER_USAGE}`);
    values.set(flag, words.slice(at, end).join(' '));
    at = end;
  }
  const [first, second, ...more] = operands;
  const hasWorker = first !== undefined && (workerFirst || isWorker(first));
  const image = hasWorker ? second : first;
  if (image === undefined) throw usageError('the image is missing', `task ${OLDER_USAGE}`);
  const surplus = hasWorker ? more : operands.slice(1);
  if (surplus.length > 0) {
    const why = hasWorker ? `${surplus.join(' ')}: what is that?` : `${first} is no known worker`;
    throw usageError(why, `task ${OLDER_USAGE}; see \`workers\` for their ids`);
  }
  return {
    worker: hasWorker ? first : null,
    image,
    name: values.get('name') ?? null,
    command: values.get('cmd') ?? null,
    cpu: values.get('cpu_cores') ?? '1.0',
    memory: values.get('mem') ?? '0.5',
    storage: values.get('storage') ?? '1.0',
    gpu: values.get('gpu_cores') ?? '0.0',
  };
}

export function toOlderSubmission(request: OlderRequest): TaskSubmission {
  const { worker, image, name, command, cpu, memory, storage, gpu } = request;
  return {
    image,
    ...(name === null ? {} : { name }),
    ...(command === null ? {} : { command }),
    ...(worker === null ? {} : { worker }),
    resources: { cpu, memory, storage, gpu },
  };
}

/** What is about to be sent, for the box above it. The master makes the id. */
export function previewLines({ worker, image, command, cpu, memory, storage, gpu }: OlderRequest): string[] {
  return [
    'Task ID:       made by the master',
    `Target Worker: ${worker ?? 'chosen by the scheduler'}`,
    `Docker Image:  ${image}`,
    `Command:       ${command ?? "the image's default"}`,
    'Resource Requirements:',
    `  CPU Cores:   ${cpu}`,
    `  Memory:      ${withUnit(memory)}`,
    `  Storage:     ${withUnit(storage)}`,
    `  GPU Cores:   ${gpu}`,
  ];
}

function withUnit(quantity: string): string {
  return /^[\d.]+$/.test(quantity) ? `${quantity} GB` : quantity;
}

function flagOf(word: string): string | null {
  const name = /^--?([a-z_]+)$/.exec(word)?.[1]?.replaceAll('-', '_');
  return name !== undefined && FLAGS.has(name) ? name : null;
}

/** The command goes on to the next of our own flags, so it needs no quotes. */
function endOfCommand(words: readonly string[], from: number): number {
  let end = from;
  while (end < words.length && (end === from || flagOf(words[end] ?? '') === null)) end++;
  return end;
}
