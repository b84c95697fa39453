import type { Command } from 'commander';
import type { Cli } from '../cli.ts';

/** Gives a command its arguments, options, examples and action. */
export type Configure = (command: Command, cli: Cli) => void;

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly group: 'Tasks' | 'Cluster' | 'Workers' | 'Administration' | 'This machine' | 'Other';
  readonly aliases?: readonly string[];
  /** Shells start processes and edit files; the prompt has the older spellings. Both without it. */
  readonly only?: 'shell' | 'prompt';
  readonly hidden?: true;
  /** Speaks to no master, so it takes none of the shared options. */
  readonly local?: true;
  readonly load: () => Promise<Configure>;
}

/** Every command, in the order in which help and the reference list them. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'Run a task and follow it; ends with its exit code',
    group: 'Tasks',
    load: async () => (await import('./run.ts')).configure,
  },
  {
    name: 'submit',
    summary: 'Submit a task, or many from a file, without waiting',
    group: 'Tasks',
    load: async () => (await import('./submit.ts')).configure,
  },
  {
    name: 'tasks',
    summary: 'List tasks',
    group: 'Tasks',
    load: async () => (await import('./tasks.ts')).configure,
  },
  {
    name: 'task',
    summary: 'Show, explain, cancel or retry a task',
    group: 'Tasks',
    load: async () => (await import('./task.ts')).configure,
  },
  {
    name: 'cancel',
    summary: 'Cancel tasks',
    group: 'Tasks',
    load: async () => (await import('./task/cancel.ts')).configure,
  },
  {
    name: 'list-tasks',
    summary: 'List tasks grouped by state, or those of one state',
    group: 'Tasks',
    only: 'prompt',
    load: async () => (await import('./list-tasks.ts')).configure,
  },
  {
    name: 'dispatch',
    summary: 'Run a task on one worker, past the scheduler',
    group: 'Tasks',
    only: 'prompt',
    load: async () => (await import('./dispatch.ts')).configure,
  },
  {
    name: 'logs',
    summary: 'Print or follow the log of a task',
    group: 'Tasks',
    load: async () => (await import('./logs.ts')).configure,
  },
  {
    name: 'monitor',
    summary: 'Watch a task on the whole screen until a key is pressed',
    group: 'Tasks',
    load: async () => (await import('./monitor.ts')).configure,
  },
  {
    name: 'artifacts',
    summary: 'List and download the files that a task left in /output',
    group: 'Tasks',
    load: async () => (await import('./artifacts.ts')).configure,
  },
  {
    name: 'status',
    summary: 'The cluster in numbers',
    group: 'Cluster',
    load: async () => (await import('./status.ts')).configure,
  },
  {
    name: 'dashboard',
    summary: 'Print the address of the dashboard, with a login',
    group: 'Cluster',
    load: async () => (await import('./dashboard.ts')).configure,
  },
  {
    name: 'top',
    summary: 'Tasks, workers and queue, live on the whole screen',
    group: 'Cluster',
    load: async () => (await import('./top.ts')).configure,
  },
  {
    name: 'events',
    summary: 'What happened in the cluster, and what happens',
    group: 'Cluster',
    load: async () => (await import('./events.ts')).configure,
  },
  {
    name: 'queue',
    summary: 'Waiting tasks in the order in which they will start',
    group: 'Cluster',
    load: async () => (await import('./queue.ts')).configure,
  },
  {
    name: 'scheduler',
    summary: 'Show or choose the placement policy',
    group: 'Cluster',
    load: async () => (await import('./scheduler.ts')).configure,
  },
  {
    name: 'history',
    summary: 'Export what the cluster has run, to try schedulers on it',
    group: 'Cluster',
    load: async () => (await import('./history.ts')).configure,
  },
  {
    name: 'sim',
    summary: 'Try schedulers on made and recorded workloads, without a cluster',
    group: 'Cluster',
    only: 'shell',
    load: async () => (await import('./sim.ts')).configure,
  },
  {
    name: 'train',
    summary: 'Train the learned policies on recorded workloads',
    group: 'Cluster',
    only: 'shell',
    load: async () => (await import('./train.ts')).configure,
  },
  {
    name: 'workers',
    summary: 'List workers',
    group: 'Workers',
    load: async () => (await import('./workers.ts')).configure,
  },
  {
    name: 'list',
    summary: 'List workers in the long form',
    group: 'Workers',
    only: 'prompt',
    load: async () => (await import('./list.ts')).configure,
  },
  {
    name: 'stats',
    summary: 'Resources and live usage of a worker',
    group: 'Workers',
    load: async () => (await import('./stats.ts')).configure,
  },
  {
    name: 'register',
    summary: 'Admit a worker and print the command that joins it',
    group: 'Workers',
    load: async () => (await import('./register.ts')).configure,
  },
  {
    name: 'unregister',
    summary: 'Revoke a worker',
    group: 'Workers',
    load: async () => (await import('./unregister.ts')).configure,
  },
  {
    name: 'worker',
    summary: 'Run a worker on this machine; show, drain or label one',
    group: 'Workers',
    load: async () => (await import('./worker.ts')).configure,
  },
  {
    name: 'namespace',
    summary: 'List, create and limit namespaces',
    group: 'Administration',
    load: async () => (await import('./namespace.ts')).configure,
  },
  {
    name: 'user',
    summary: 'List, create and change users',
    group: 'Administration',
    load: async () => (await import('./user.ts')).configure,
  },
  {
    name: 'token',
    summary: 'Issue, list and revoke tokens of users',
    group: 'Administration',
    load: async () => (await import('./token.ts')).configure,
  },
  {
    name: 'dev',
    summary: 'A whole cluster on this machine: master, worker, prompt',
    group: 'This machine',
    only: 'shell',
    local: true,
    load: async () => (await import('./dev.ts')).configure,
  },
  {
    name: 'init',
    summary: 'Make a new cluster in a data directory',
    group: 'This machine',
    only: 'shell',
    local: true,
    load: async () => (await import('./init.ts')).configure,
  },
  {
    name: 'master',
    summary: 'Run the master of a cluster',
    group: 'This machine',
    only: 'shell',
    local: true,
    load: async () => (await import('./master.ts')).configure,
  },
  {
    name: 'backup',
    summary: 'Copy the state of a cluster into a file',
    group: 'This machine',
    only: 'shell',
    local: true,
    load: async () => (await import('./backup.ts')).configure,
  },
  {
    name: 'restore',
    summary: 'Make a data directory from a backup',
    group: 'This machine',
    only: 'shell',
    local: true,
    load: async () => (await import('./restore.ts')).configure,
  },
  {
    name: 'fsck',
    summary: 'Check the state of a cluster against its invariants',
    group: 'This machine',
    only: 'shell',
    local: true,
    load: async () => (await import('./fsck.ts')).configure,
  },
  {
    name: 'config',
    summary: 'Show or change which cluster the commands speak to',
    group: 'Other',
    only: 'shell',
    load: async () => (await import('./config.ts')).configure,
  },
  {
    name: 'prompt',
    summary: 'The master> prompt',
    group: 'Other',
    only: 'shell',
    load: async () => (await import('./prompt.ts')).configure,
  },
  {
    name: 'exit',
    summary: 'Leave the prompt',
    group: 'Other',
    only: 'prompt',
    aliases: ['quit'],
    local: true,
    load: async () => (await import('./exit.ts')).configure,
  },
  {
    name: 'completion',
    summary: 'Print the script that completes commands in your shell',
    group: 'Other',
    only: 'shell',
    local: true,
    load: async () => (await import('./completion.ts')).configure,
  },
  {
    name: 'complete',
    summary: 'Candidates for the last word of a command line',
    group: 'Other',
    only: 'shell',
    hidden: true,
    local: true,
    load: async () => (await import('./complete.ts')).configure,
  },
  {
    name: 'version',
    summary: 'Print the version',
    group: 'Other',
    load: async () => (await import('./version.ts')).configure,
  },
];
