/** The form's fields as text, and the submission that they make. What the form has no field for is kept beside them. */
import type { TaskSubmission } from '@cloudai/sdk';
import { formatPairs, parsePairs } from './pairs.ts';

export interface Draft {
  readonly name: string;
  readonly image: string;
  /** A line for the shell, or one argument a line. */
  readonly command: string;
  readonly commandKind: 'shell' | 'arguments';
  readonly cpu: string;
  readonly memory: string;
  readonly storage: string;
  readonly gpu: string;
  readonly env: string;
  readonly labels: string;
  readonly worker: string;
  readonly selector: string;
  readonly priority: string;
  readonly deadline: string;
  readonly startAfter: string;
  readonly dependsOn: string;
  readonly timeout: string;
  readonly queueTimeout: string;
  readonly retries: string;
  readonly profile: string;
  readonly network: string;
  readonly pull: string;
  readonly rest: Partial<TaskSubmission>;
}

export const EMPTY_DRAFT: Draft = {
  name: '',
  image: '',
  command: '',
  commandKind: 'shell',
  cpu: '1',
  memory: '512Mi',
  storage: '1Gi',
  gpu: '',
  env: '',
  labels: '',
  worker: '',
  selector: '',
  priority: '',
  deadline: '',
  startAfter: '',
  dependsOn: '',
  timeout: '',
  queueTimeout: '',
  retries: '',
  profile: '',
  network: '',
  pull: '',
  rest: {},
};

export function draftOf(submission: TaskSubmission): Draft {
  const {
    name,
    image,
    command,
    env,
    labels,
    resources = {},
    worker,
    selector,
    priority,
    deadline,
    startAfter,
  } = submission;
  const { dependsOn, timeout, queueTimeout, retry, profile, network, pull, ...rest } = omit(submission);
  const { custom, ...amounts } = resources;
  const { limit, ...otherRetry } = retry ?? {};
  return {
    name: name ?? '',
    image: image ?? '',
    command: Array.isArray(command) ? command.join('\n') : (command ?? ''),
    commandKind: Array.isArray(command) ? 'arguments' : 'shell',
    cpu: textOf(amounts.cpu),
    memory: textOf(amounts.memory),
    storage: textOf(amounts.storage),
    gpu: textOf(amounts.gpu),
    env: formatPairs(env, '\n'),
    labels: formatPairs(labels, ', '),
    worker: worker ?? '',
    selector: formatPairs(selector, ', '),
    priority: textOf(priority),
    deadline: deadline ?? '',
    startAfter: startAfter ?? '',
    dependsOn: (dependsOn ?? []).join(', '),
    timeout: textOf(timeout),
    queueTimeout: textOf(queueTimeout),
    retries: textOf(limit),
    profile: profile ?? '',
    network: network ?? '',
    pull: pull ?? '',
    rest: {
      ...rest,
      ...(custom === undefined ? {} : { resources: { custom } }),
      ...(Object.keys(otherRetry).length === 0 ? {} : { retry: otherRetry }),
    },
  };
}

/** The fields that `draftOf` reads one by one, taken off. */
function omit(submission: TaskSubmission) {
  const { name: _1, image: _2, command: _3, env: _4, labels: _5, resources: _6, worker: _7, ...most } = submission;
  const { selector: _8, priority: _9, deadline: _10, startAfter: _11, ...rest } = most;
  return rest;
}

export function submissionOfDraft(draft: Draft): TaskSubmission {
  const { rest } = draft;
  return {
    ...given('name', draft.name.trim()),
    image: draft.image.trim(),
    ...commandOf(draft),
    ...rest,
    ...pairs('env', parsePairs(draft.env, '\n')),
    ...pairs('labels', parsePairs(draft.labels, ',')),
    resources: {
      ...rest.resources,
      ...given('cpu', draft.cpu.trim()),
      ...given('memory', draft.memory.trim()),
      ...given('storage', draft.storage.trim()),
      ...given('gpu', draft.gpu.trim()),
    },
    ...given('worker', draft.worker.trim()),
    ...pairs('selector', parsePairs(draft.selector, ',')),
    ...number('priority', draft.priority),
    ...given('deadline', timeOf(draft.deadline)),
    ...given('startAfter', timeOf(draft.startAfter)),
    ...list('dependsOn', draft.dependsOn),
    ...given('timeout', draft.timeout.trim()),
    ...given('queueTimeout', draft.queueTimeout.trim()),
    ...retryOf(draft),
    ...given('profile', draft.profile),
    ...given('network', draft.network),
    ...given('pull', draft.pull),
  } as TaskSubmission;
}

function commandOf({ command, commandKind }: Draft): Pick<TaskSubmission, 'command'> {
  if (command.trim() === '') return {};
  return { command: commandKind === 'shell' ? command : command.split('\n') };
}

function retryOf({ retries, rest }: Draft): Pick<TaskSubmission, 'retry'> {
  const limit = number('limit', retries);
  return Object.keys(limit).length === 0 && rest.retry === undefined ? {} : { retry: { ...rest.retry, ...limit } };
}

/** A field of the browser has the time of the place; the API takes one with a zone. */
function timeOf(text: string): string {
  const ms = Date.parse(text);
  return text === '' || Number.isNaN(ms) ? text : new Date(ms).toISOString();
}

function given(name: string, value: string): Record<string, string> {
  return value === '' ? {} : { [name]: value };
}

/** What is no number is sent as it is, so that the master says what is wrong with it. */
function number(name: string, text: string): Record<string, number | string> {
  const value = text.trim();
  if (value === '') return {};
  return { [name]: Number.isNaN(Number(value)) ? value : Number(value) };
}

function list(name: string, text: string): Record<string, string[]> {
  const items = text.split(/[\s,]+/).filter((item) => item !== '');
  return items.length === 0 ? {} : { [name]: items };
}

function pairs(name: string, value: Record<string, string>): Record<string, Record<string, string>> {
  return Object.keys(value).length === 0 ? {} : { [name]: value };
}

function textOf(value: string | number | undefined): string {
  return value === undefined ? '' : String(value);
}
