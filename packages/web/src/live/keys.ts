/** Where in the query cache each thing is: the watch writes there, the pages read there. */
import type { TaskQuery } from '@cloudai/sdk';

export const CLUSTER_KEY = ['cluster'] as const;
export const WORKERS_KEY = ['workers'] as const;
export const QUEUE_KEY = ['queue'] as const;

export const taskKey = (task: string) => ['task', task] as const;
export const taskEventsKey = (task: string) => ['task', task, 'events'] as const;
export const taskListKey = (query: TaskQuery) => ['tasks', query] as const;
