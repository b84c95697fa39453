/**
 * Batch logs in the Standard Workload Format: 18 columns, header lines begin with `;`, −1 is unknown.
 * D. Feitelson, D. Tsafrir, D. Krakov, Experience with using the Parallel Workloads Archive, JPDC 74(10), 2014.
 */
import { broken, type TraceText } from './file.ts';

export interface SwfJob {
  readonly number: number;
  /** Seconds, as are all times here. */
  readonly submit: number;
  /** Null where it is unknown. */
  readonly run: number | null;
  readonly processors: number | null;
  /** What the user asked for; null if the log does not say. */
  readonly requestedTime: number | null;
  readonly status: number | null;
  readonly user: number | null;
}

export interface SwfLog {
  readonly name: string;
  /** Of the machine: `MaxProcs`, else `MaxNodes`. */
  readonly processors: number;
  readonly jobs: readonly SwfJob[];
}

const COLUMNS = 18;

export function parseSwf(source: TraceText): SwfLog {
  const header = new Map<string, string>();
  const jobs: SwfJob[] = [];
  for (const [index, raw] of source.text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '') continue;
    if (line.startsWith(';')) {
      const match = /^;\s*(\w+):\s*(.*)$/.exec(line);
      if (match !== null && !header.has(match[1]!)) header.set(match[1]!, match[2]!.trim());
      continue;
    }
    const fields = line.split(/\s+/).map(Number);
    if (fields.length !== COLUMNS || fields.some((field) => !Number.isFinite(field)))
      throw broken(source, index + 1, `expected ${COLUMNS} numbers: ${line.slice(0, 80)}`);
    const [number, submit] = fields as [number, number];
    if (!Number.isSafeInteger(number) || submit < 0)
      throw broken(source, index + 1, `job ${number} with submit time ${submit}`);
    jobs.push({
      number,
      submit,
      run: known(fields[3]),
      processors: largest(fields[4], fields[7]),
      requestedTime: known(fields[8]),
      status: known(fields[10]),
      user: known(fields[11]),
    });
  }
  const processors = Number(header.get('MaxProcs') ?? header.get('MaxNodes'));
  if (!Number.isSafeInteger(processors) || processors < 1)
    throw broken(source, 1, 'the header tells neither MaxProcs nor MaxNodes');
  if (jobs.length === 0) throw broken(source, 1, 'no jobs');
  return { name: source.name, processors, jobs };
}

function known(field: number | undefined): number | null {
  return field === undefined || field < 0 ? null : field;
}

/** Logs mix up what was asked for and what was given; the larger of the two is safe. */
function largest(given: number | undefined, asked: number | undefined): number | null {
  const processors = Math.max(given ?? -1, asked ?? -1);
  return processors > 0 ? processors : null;
}
