/** One screen of `top`: as many lines as the terminal has, none wider than it. Pure. */
import { stripVTControlCharacters } from 'node:util';
import type { QueueView, TaskView, WorkerView } from '@cloudai/sdk';
import stringWidth from 'string-width';
import { age, bytes, duration, fromMillis, percent, resources } from '../output/format.ts';
import type { Colors } from '../output/output.ts';
import { printable } from '../output/printable.ts';
import { type Column, renderTable, truncate } from '../output/table.ts';
import { stateColor } from '../task-columns.ts';
import type { TopData } from './model.ts';
import { PANES, type Pane, SORTS, type TopView } from './view.ts';

export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly colors: Colors;
  /** Unix ms. */
  readonly now: number;
}

export interface Frame {
  readonly lines: readonly string[];
  /** How many rows there are to move through, and how many of them fit. */
  readonly rows: number;
  readonly page: number;
}

type QueueItem = QueueView['items'][number];

/** Above the table: title, counts, resources, an empty line, the panes. Below it: the keys. */
const HEAD_LINES = 5;
const BAR_WIDTH = 10;

export function drawTop(data: TopData, view: TopView, screen: Screen): Frame {
  const { width, height, colors } = screen;
  const panes = panesOf(data, view, screen);
  const shown = panes[view.pane];
  // One line for the titles of the columns, one for the keys.
  const page = Math.max(1, height - HEAD_LINES - 2);
  const selected = Math.max(0, Math.min(view.selected, shown.rows - 1));
  const first = Math.max(0, Math.min(selected - Math.floor(page / 2), shown.rows - page));
  const table = shown.table(first, page);
  const rows = table.slice(1).map((line, index) => (first + index === selected ? colors.inverse(line) : line));
  const body = [table[0] ?? '', ...(rows.length > 0 ? rows : [colors.dim(emptyText(data, view))])];
  const head = [colors.bold(title(data, screen)), counts(data), bars(data), '', tabs(panes, view, colors)];
  const filled = [...head, ...body, ...Array<string>(Math.max(0, page + 1 - body.length)).fill('')];
  const lines = [...filled.slice(0, Math.max(0, height - 1)), keys(view, colors)];
  return { lines: lines.map((line) => cut(line, width)), rows: shown.rows, page };
}

/** A line that wrapped would push the others off the screen. What is cut loses its colours. */
function cut(line: string, width: number): string {
  return stringWidth(line) <= width ? line : truncate(stripVTControlCharacters(line), width);
}

function title({ cluster, state, error }: TopData, { now }: Screen): string {
  const connection = error !== null ? `error: ${printable(error.message)}` : state;
  if (cluster === null) return `cloudai top  [${connection}]`;
  const up = duration(now - Date.parse(cluster.startedAt));
  return `cloudai top  [${connection}]  cluster ${cluster.clusterId}, version ${cluster.version}, up ${up}, ${cluster.placement}`;
}

function counts({ cluster }: TopData): string {
  if (cluster === null) return '';
  const list = (byState: Readonly<Record<string, number>>) =>
    Object.entries(byState)
      .filter(([, count]) => count > 0)
      .map(([state, count]) => `${count} ${state}`)
      .join(', ') || 'none';
  const queue =
    cluster.queueDepth === 0 ? 'empty' : `${cluster.queueDepth}, the oldest ${duration(cluster.oldestWaitMs)}`;
  return `Tasks ${list(cluster.tasks)}   Workers ${list(cluster.workers)}   Queue ${queue}`;
}

function bars({ cluster }: TopData): string {
  if (cluster === null) return '';
  const { total, allocated } = cluster;
  const bar = (name: string, part: number, whole: number, show: (value: number) => string) => {
    const share = whole === 0 ? 0 : part / whole;
    const full = Math.round(Math.min(1, share) * BAR_WIDTH);
    return `${name} [${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] ${show(part)}/${show(whole)}`;
  };
  // What there is most often not enough of comes first: a narrow terminal cuts the end.
  const all = [
    bar('CPU', allocated.cpuMillis, total.cpuMillis, fromMillis),
    bar('Memory', allocated.memoryBytes, total.memoryBytes, bytes),
    ...(total.gpuMillis > 0 ? [bar('GPU', allocated.gpuMillis, total.gpuMillis, fromMillis)] : []),
    bar('Storage', allocated.storageBytes, total.storageBytes, bytes),
  ];
  return all.join('   ');
}

interface PaneContent {
  readonly rows: number;
  /** Titles and so many rows. */
  table(first: number, count: number): string[];
}

function tabs(panes: Readonly<Record<Pane, PaneContent>>, view: TopView, colors: Colors): string {
  const names = PANES.map((pane, index) => {
    const text = ` ${index + 1} ${pane} (${panes[pane].rows}) `;
    return pane === view.pane ? colors.inverse(text) : text;
  });
  const order = `by ${SORTS[view.pane][view.sort[view.pane]]}${view.isReversed ? ', reversed' : ''}`;
  const filter =
    view.isTyping || view.filter !== '' ? `   filter: ${printable(view.filter)}${view.isTyping ? '_' : ''}` : '';
  return `${names.join('')}  ${order}${filter}`;
}

function keys(view: TopView, colors: Colors): string {
  return colors.dim(
    view.isTyping
      ? 'Enter keeps the filter, Esc clears it'
      : 'q leave  1-3 Tab pane  arrows move  s sort  r reverse  / filter',
  );
}

function emptyText({ cluster }: TopData, { pane, filter }: TopView): string {
  if (cluster === null) return 'Waiting for the master.';
  if (filter !== '') return `None of the ${pane} contains ${printable(filter)}.`;
  return { tasks: 'No task runs.', workers: 'No workers.', queue: 'No task waits.' }[pane];
}

function panesOf(data: TopData, view: TopView, screen: Screen): Readonly<Record<Pane, PaneContent>> {
  return {
    tasks: content([...data.tasks.values()], taskColumns(data, screen), TASK_ORDER, 'tasks', view, screen),
    workers: content(
      [...data.workers.values()],
      workerColumns(data, screen),
      workerOrder(data),
      'workers',
      view,
      screen,
    ),
    queue: content([...(data.queue?.items ?? [])], QUEUE_COLUMNS, QUEUE_ORDER, 'queue', view, screen),
  };
}

type Orders<P extends Pane, Row> = Readonly<Record<(typeof SORTS)[P][number], (row: Row) => string | number>>;

function content<P extends Pane, Row>(
  all: Row[],
  columns: readonly Column<Row>[],
  orders: Orders<P, Row>,
  pane: P,
  view: TopView,
  { width, colors }: Screen,
): PaneContent {
  const wanted = pane === view.pane ? view.filter.toLowerCase() : '';
  const fits = (row: Row) => columns.some(({ value }) => value(row).toLowerCase().includes(wanted));
  const rows = wanted === '' ? all : all.filter(fits);
  return {
    rows: rows.length,
    table(first, count) {
      const by = orders[SORTS[pane][view.sort[pane]] as (typeof SORTS)[P][number]];
      const sorted = [...rows].sort((a, b) => compare(by(a), by(b)));
      if (view.isReversed) sorted.reverse();
      return renderTable(columns, sorted.slice(first, first + count), { width, paintTitle: colors.bold });
    },
  };
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}

function taskColumns({ samples }: TopData, { colors, now }: Screen): Column<TaskView>[] {
  const used = (task: TaskView) =>
    samples.get(task.worker ?? '')?.tasks.find(({ taskId, attempt }) => taskId === task.id && attempt === task.attempt);
  return [
    { title: 'ID', value: ({ id }) => id },
    { title: 'NAME', drops: 3, value: ({ name }) => printable(name ?? '-'), shrinks: true },
    { title: 'STATE', value: ({ state }) => state, paint: (cell, { state }) => stateColor(colors, state)(cell) },
    { title: 'WORKER', drops: 1, value: ({ worker }) => printable(worker ?? '-'), shrinks: true },
    {
      title: 'CPU',
      value: (task) => `${cores(used(task)?.cpuMillis)}/${fromMillis(task.resources.cpuMillis)}`,
      align: 'right',
    },
    {
      title: 'MEMORY',
      value: (task) => `${amount(used(task)?.memoryBytes)}/${bytes(task.resources.memoryBytes)}`,
      align: 'right',
    },
    { title: 'AGE', value: ({ submittedAt }) => age(submittedAt, now), align: 'right' },
    { title: 'OWNER', drops: 4, value: ({ owner }) => printable(owner), shrinks: true },
    { title: 'IMAGE', drops: 2, value: ({ image }) => printable(image), shrinks: true },
    { title: 'COMMAND', drops: 5, value: ({ command }) => printable(command), shrinks: true },
  ];
}

const TASK_ORDER: Orders<'tasks', TaskView> = {
  age: ({ submittedAt }) => -Date.parse(submittedAt),
  id: ({ id }) => id,
  state: ({ state }) => state,
  worker: ({ worker }) => worker ?? '',
  cpu: ({ resources: asked }) => -asked.cpuMillis,
  memory: ({ resources: asked }) => -asked.memoryBytes,
  owner: ({ owner }) => owner,
};

function workerColumns({ samples }: TopData, { colors }: Screen): Column<WorkerView>[] {
  const usage = (worker: WorkerView) => samples.get(worker.id)?.usage ?? worker.usage;
  return [
    { title: 'ID', value: ({ id }) => id },
    {
      title: 'STATE',
      value: ({ state, drain, unhealthy }) =>
        [state, ...(drain === null ? [] : ['draining']), ...(unhealthy === null ? [] : ['unhealthy'])].join(', '),
      paint: (cell, { state, drain, unhealthy }) =>
        state === 'active' && drain === null && unhealthy === null ? colors.green(cell) : colors.yellow(cell),
    },
    { title: 'TASKS', value: ({ runningTasks }) => String(runningTasks.length), align: 'right' },
    {
      title: 'CPU HELD',
      value: ({ allocated, total }) => `${fromMillis(allocated.cpuMillis)}/${fromMillis(total?.cpuMillis ?? 0)}`,
      align: 'right',
    },
    { title: 'CPU USED', value: (worker) => percentOf(usage(worker)?.cpu), align: 'right' },
    {
      title: 'MEMORY HELD',
      value: ({ allocated, total }) => `${bytes(allocated.memoryBytes)}/${bytes(total?.memoryBytes ?? 0)}`,
      align: 'right',
    },
    { title: 'MEMORY USED', drops: 1, value: (worker) => amount(usage(worker)?.memoryBytes), align: 'right' },
    {
      title: 'GPU HELD',
      drops: 2,
      value: ({ allocated, total }) => `${fromMillis(allocated.gpuMillis)}/${fromMillis(total?.gpuMillis ?? 0)}`,
      align: 'right',
    },
    { title: 'GPU USED', drops: 3, value: (worker) => percentOf(usage(worker)?.gpu), align: 'right' },
    {
      title: 'ADDRESS',
      drops: 4,
      value: ({ address, remoteAddress }) => printable(address ?? remoteAddress ?? '-'),
      shrinks: true,
    },
  ];
}

function workerOrder({ samples }: TopData): Orders<'workers', WorkerView> {
  return {
    id: ({ id }) => id,
    cpu: (worker) => -(samples.get(worker.id)?.usage.cpu ?? worker.usage?.cpu ?? 0),
    memory: ({ allocated }) => -allocated.memoryBytes,
    tasks: ({ runningTasks }) => -runningTasks.length,
    state: ({ state }) => state,
  };
}

const QUEUE_COLUMNS: readonly Column<QueueItem>[] = [
  { title: '#', value: ({ position }) => String(position), align: 'right' },
  { title: 'ID', value: ({ task }) => task.id },
  { title: 'NAME', drops: 3, value: ({ task }) => printable(task.name ?? '-'), shrinks: true },
  { title: 'PRIORITY', drops: 1, value: ({ task }) => String(task.priority), align: 'right' },
  { title: 'NEEDS', value: ({ task }) => resources(task.resources) },
  { title: 'WAITS', value: ({ waitingMs }) => duration(waitingMs), align: 'right' },
  { title: 'OWNER', drops: 2, value: ({ task }) => printable(task.owner), shrinks: true },
  { title: 'WHY', value: ({ message }) => printable(message ?? '-'), shrinks: true },
];

const QUEUE_ORDER: Orders<'queue', QueueItem> = {
  position: ({ position }) => position,
  waiting: ({ waitingMs }) => -waitingMs,
  priority: ({ task }) => -task.priority,
  owner: ({ task }) => task.owner,
};

function cores(millis: number | undefined): string {
  return millis === undefined ? '-' : (millis / 1000).toFixed(2);
}

function amount(count: number | undefined): string {
  return count === undefined ? '-' : bytes(count);
}

function percentOf(share: number | undefined): string {
  return share === undefined ? '-' : percent(share);
}
