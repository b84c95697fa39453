/** Cancels and retries of many tasks; answers a sentence on how many were done. */
import type { BulkResult } from '@cloudai/sdk';
import { counted } from '../../format/count.ts';
import { client } from '../../session/client.ts';

/** As many as the API takes in one call. */
const AT_ONCE = 1_000;

export async function cancelTasks(ids: readonly string[]): Promise<string> {
  return summary('Cancelled', await inParts(ids, (part) => client.cancelTasks({ ids: part })));
}

export async function retryTasks(ids: readonly string[]): Promise<string> {
  return summary('Submitted again', await inParts(ids, (part) => client.retryTasks({ ids: part })));
}

async function inParts(ids: readonly string[], act: (part: string[]) => Promise<BulkResult>): Promise<BulkResult[]> {
  const results: BulkResult[] = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) results.push(await act(ids.slice(from, from + AT_ONCE)));
  return results;
}

export function summary(
  what: string,
  results: readonly Pick<BulkResult, 'done' | 'unchanged' | 'refused' | 'items'>[],
): string {
  const sum = (name: 'done' | 'unchanged' | 'refused') => results.reduce((total, result) => total + result[name], 0);
  const refusal = results.flatMap(({ items }) => items).find(({ error }) => error !== null)?.error?.message;
  const parts = [`${what} ${counted(sum('done'), 'task')}.`];
  if (sum('unchanged') > 0) parts.push(`${counted(sum('unchanged'), 'task')} had ended already.`);
  if (sum('refused') > 0) parts.push(`${counted(sum('refused'), 'task')} refused it: ${refusal ?? 'no reason given'}`);
  return parts.join(' ');
}
