export const TASK_TABS = ['log', 'why', 'timeline', 'resources', 'artifacts', 'spec'] as const;
export type TaskTab = (typeof TASK_TABS)[number];

/** Which part of a task's page the address shows. Without it: the log, or why the task waits. */
export function taskTab(search: Readonly<Record<string, unknown>>): { readonly tab?: TaskTab } {
  const tab = TASK_TABS.find((each) => each === search.tab);
  return tab === undefined ? {} : { tab };
}
