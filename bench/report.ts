// What every benchmark prints: one table, and under it the machine, the commit and the command that made it.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

export type Row = Readonly<Record<string, string | number>>;

/** Prints rows as a table, columns in the order of the first row. Numbers stand to the right. */
export function printReport(title: string, rows: readonly Row[], notes: readonly string[] = []): void {
  const columns = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => columns.map((column) => show(row[column])));
  const width = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((line) => line[index]?.length ?? 0)),
  );
  const isNumber = columns.map((column) => rows.every((row) => typeof row[column] === 'number'));
  const line = (values: readonly string[]) =>
    `| ${values.map((value, index) => (isNumber[index] ? value.padStart(width[index]!) : value.padEnd(width[index]!))).join(' | ')} |`;
  console.log(`\n### ${title}\n`);
  console.log(line(columns));
  console.log(`| ${width.map((size, index) => '-'.repeat(size - 1) + (isNumber[index] ? ':' : '-')).join(' | ')} |`);
  for (const values of cells) console.log(line(values));
  console.log('');
  for (const note of notes) console.log(note);
  console.log(`machine: ${machine()}`);
  console.log(`commit:  ${commit()}`);
  console.log(`command: ${command()}`);
}

function show(value: string | number | undefined): string {
  if (typeof value !== 'number') return value ?? '';
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 2 : 1);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the share `q` of the values lies; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}

function machine(): string {
  const cpus = os.cpus();
  const memory = `${Math.round(os.totalmem() / 2 ** 30)} GiB`;
  return `${cpus.length} x ${cpus[0]?.model.trim() ?? 'CPU'}, ${memory}, ${os.type()} ${os.release()}, Node ${process.versions.node}`;
}

function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${changed ? ' with local changes' : ''}`;
  } catch {
    return 'unknown (not a checkout)';
  }
}

function command(): string {
  const script = path.relative(root, process.argv[1] ?? '');
  return ['node', script, ...process.argv.slice(2)].join(' ');
}

/** Resident memory (bytes) and CPU time (ms, user and system together) of a process, as the kernel counts them. */
export function usageOf(pid: number): { readonly rssBytes: number; readonly cpuMs: number } {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const rssBytes = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command's name stands in parentheses and may hold anything; the 14th and 15th fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { rssBytes, cpuMs: ticks * 10 };
}
