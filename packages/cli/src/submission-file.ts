/** Tasks from YAML or JSON: one task, a list of tasks, a job with `tasks`, or several documents of these. */
import fs from 'node:fs';
import { text } from 'node:stream/consumers';
import type { JobSubmission, TaskSubmission } from '@cloudai/sdk';
import { usageError } from './errors.ts';

export interface Submissions {
  /** Name of the job, when a document gives one. */
  readonly name: string | null;
  readonly tasks: readonly TaskSubmission[];
}

/** `-` reads standard input. The master checks the fields; here only the outer shape is. */
export async function readSubmissions(files: readonly string[]): Promise<Submissions> {
  const found: Submissions[] = [];
  for (const file of files) found.push(...(await parseSubmissions(file, await readText(file))));
  const names = found.flatMap(({ name }) => (name === null ? [] : [name]));
  if (new Set(names).size > 1) {
    throw usageError(`the files name several jobs (${names.join(', ')})`, 'Submit each of them by itself.');
  }
  const tasks = found.flatMap((each) => each.tasks);
  if (tasks.length === 0) throw usageError(`no task in ${files.join(', ')}`);
  return { name: names[0] ?? null, tasks };
}

async function readText(file: string): Promise<string> {
  if (file === '-') return text(process.stdin);
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`cannot read ${file}: ${(error as Error).message}`);
  }
}

async function parseSubmissions(file: string, content: string): Promise<Submissions[]> {
  // JSON is YAML too, and this parser names line and column for both.
  const { parseAllDocuments } = await import('yaml');
  const documents = parseAllDocuments(content);
  return [...documents].flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw usageError(`${file}: ${problem.message}`);
    const value: unknown = document.toJS();
    // An empty document, as `---` at the end leaves it.
    return value === null || value === undefined ? [] : [toSubmissions(file, value)];
  });
}

function toSubmissions(file: string, value: unknown): Submissions {
  if (Array.isArray(value))
    return { name: null, tasks: value.map((task, index) => toTask(`${file}: task ${index + 1}`, task)) };
  if (typeof value === 'object' && value !== null && 'tasks' in value) {
    const { tasks, name, ...rest } = value as Partial<JobSubmission>;
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) throw usageError(`${file}: a job has no field ${unknown}; it has name and tasks`);
    if (!Array.isArray(tasks)) throw usageError(`${file}: tasks is a list`);
    return { ...toSubmissions(file, tasks), name: name ?? null };
  }
  return { name: null, tasks: [toTask(file, value)] };
}

function toTask(where: string, value: unknown): TaskSubmission {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw usageError(`${where}: a task is a mapping with at least an image, not ${JSON.stringify(value)}`);
  }
  if (!('image' in value)) throw usageError(`${where}: image is missing`);
  // The master validates every field and names the one to blame.
  return value as TaskSubmission;
}
