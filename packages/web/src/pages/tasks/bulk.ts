/** Cancels and retries of many tasks; answers a sentence on how many were done. */
import { counted } from '../../format/count.ts';
import { client } from '../../session/client.ts';

/** So many requests are under way at a time. */
const PARALLEL = 8;

export async function cancelTasks(ids: readonly string[]): Promise<string> {
  return summary('Cancelled', await each(ids, (id) => client.cancelTask(id)));
}

export async function retryTasks(ids: readonly string[]): Promise<string> {
  return summary('Submitted again', await each(ids, (id) => client.retryTask(id)));
}

interface Outcome {
  readonly done: number;
  readonly problems: readonly Error[];
}

async function each(ids: readonly string[], act: (id: string) => Promise<unknown>): Promise<Outcome> {
  const waiting = [...ids];
  const problems: Error[] = [];
  const run = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift())
      await act(id).catch((error: Error) => problems.push(error));
  };
  await Promise.all(Array.from({ length: PARALLEL }, run));
  return { done: ids.length - problems.length, problems };
}

function summary(what: string, { done, problems }: Outcome): string {
  const [first] = problems;
  if (first !== undefined && done === 0) throw first;
  const text = `${what} ${counted(done, 'task')}.`;
  return first === undefined ? text : `${text} ${counted(problems.length, 'task')} refused it: ${first.message}`;
}
