/**
 * Listings of tasks as SQL. Filter, order and limit are all in the query; which index leads is decided here and
 * written down (`INDEXED BY`), because SQLite has no statistics to decide well with.
 *
 *   narrow    an id prefix, job, name, label, worker or owner leads, the other conditions filter
 *   streams   namespaces and states: one stream per pair, each in order by the index, merged by SQLite as far as
 *             the page needs
 *   scan      anything else, along the order asked for
 */
import type { TaskState } from '@cloudai/engine';
import type { TaskFilter, TaskOrder } from '../store.ts';
import type { Value } from './codec.ts';
import { LIVE } from './schema.ts';

const LIVE_STATES: readonly TaskState[] = ['pending', 'queued', 'assigned', 'running'];
const STATES: readonly TaskState[] = [...LIVE_STATES, 'completed', 'failed', 'cancelled'];
/** States that only as many tasks have as the cluster has room for. */
const HELD_STATES: readonly TaskState[] = ['assigned', 'running'];
/** Beyond this many streams merging costs more than filtering along the order. */
const MOST_STREAMS = 64;

export interface Query {
  readonly text: string;
  readonly values: readonly Value[];
}

/** Position after which the page begins: `[sequence]`, or `[priority, sequence]` for the order `priority`. */
export type Position = readonly number[] | null;

/**
 * Gives `sequence` and `priority` of the page's tasks in order.
 * `everyNamespace` is what there is when the filter says `all`.
 */
export function taskPage(
  filter: TaskFilter,
  order: TaskOrder,
  limit: number,
  position: Position,
  everyNamespace: () => readonly string[],
): Query {
  const values = new Values();
  const take = values.add(limit);
  const columns = 't.sequence AS sequence, t.priority AS priority';
  const source = narrowSource(filter, values);
  const sequence = source?.sequence ?? 't.sequence';
  const after = afterPosition(order, position, sequence, values);
  const by = orderBy(order, sequence);
  if (source !== null) {
    const where = [...after, ...conditions(filter, values)];
    return values.query(`SELECT ${columns} FROM ${source.from} ${all(where)} ORDER BY ${by} LIMIT ${take}`);
  }
  if (order === 'priority') {
    // The index over what has not ended is in this order.
    const live = filter.states?.every((state) => LIVE_STATES.includes(state)) === true;
    const where = [...after, ...conditions(filter, values)];
    const from = live ? 'task AS t INDEXED BY task_live' : 'task AS t';
    if (live) where.push(`t.${LIVE}`);
    return values.query(`SELECT ${columns} FROM ${from} ${all(where)} ORDER BY ${by} LIMIT ${take}`);
  }
  const pairs = streams(filter, everyNamespace);
  if (pairs === null) {
    // Without `+` SQLite might follow the index of a namespace and sort all it finds.
    const where = [...after, ...conditions(filter, values, '+')];
    return values.query(`SELECT ${columns} FROM task AS t ${all(where)} ORDER BY ${by} LIMIT ${take}`);
  }
  if (pairs.length === 0) return values.query(`SELECT ${columns} FROM task AS t WHERE 0 AND 0 < ${take}`);
  const { namespaces: _, states: __, ...others } = filter;
  const rest = conditions({ ...others, namespaces: 'all' }, values);
  const parts = pairs.map(([namespace, state]) => {
    const own = [`t.namespace = ${values.add(namespace)}`, `t.state = ${values.add(state)}`];
    return `SELECT ${columns} FROM task AS t INDEXED BY task_state ${all([...own, ...after, ...rest])}`;
  });
  return values.query(`${parts.join(' UNION ALL ')} ORDER BY ${by.replaceAll('t.', '')} LIMIT ${take}`);
}

/** Gives `state` and the number of tasks in it. */
export function taskCounts(filter: TaskFilter): Query {
  const values = new Values();
  const { namespaces, ...rest } = filter;
  if (Object.values(rest).every((condition) => condition === undefined)) return keptCounts(namespaces, values);
  const source = narrowSource(filter, values)?.from ?? 'task AS t';
  return values.query(`SELECT t.state, count(*) FROM ${source} ${all(conditions(filter, values))} GROUP BY t.state`);
}

/** Without looking at a single task. */
function keptCounts(namespaces: TaskFilter['namespaces'], values: Values): Query {
  const where =
    namespaces === 'all'
      ? []
      : [`namespace IN (SELECT value FROM json_each(${values.add(JSON.stringify(namespaces))}))`];
  return values.query(`SELECT state, sum(count) FROM task_count ${all(where)} GROUP BY state HAVING sum(count) <> 0`);
}

function orderBy(order: TaskOrder, sequence: string): string {
  if (order === 'newest') return `${sequence} DESC`;
  return order === 'oldest' ? `${sequence} ASC` : `t.priority DESC, ${sequence} ASC`;
}

function afterPosition(order: TaskOrder, position: Position, sequence: string, values: Values): string[] {
  if (position === null) return [];
  if (order === 'newest') return [`${sequence} < ${values.add(position[0]!)}`];
  if (order === 'oldest') return [`${sequence} > ${values.add(position[0]!)}`];
  const priority = values.add(position[0]!);
  return [`t.priority <= ${priority}`, `(t.priority < ${priority} OR ${sequence} > ${values.add(position[1]!)})`];
}

interface Source {
  readonly from: string;
  /** The column by which SQLite sees that this source is in the order of submission already. */
  readonly sequence: string;
}

/** The most selective way in that the filter offers, or null. */
function narrowSource(filter: TaskFilter, values: Values): Source | null {
  const byIndex = (index: string): Source => ({ from: `task AS t INDEXED BY ${index}`, sequence: 't.sequence' });
  if (filter.idPrefix !== undefined && filter.idPrefix !== '') return byIndex('task_id');
  if (filter.jobId !== undefined) return byIndex('task_job');
  if (filter.name !== undefined) return byIndex('task_name');
  if (filter.states?.every((state) => HELD_STATES.includes(state)) === true) return null;
  const label = Object.entries(filter.labels ?? {})[0];
  if (label !== undefined) {
    const own = `l.key = ${values.add(label[0])} AND l.value = ${values.add(label[1])}`;
    return { from: `label AS l CROSS JOIN task AS t ON t.sequence = l.task AND ${own}`, sequence: 'l.task' };
  }
  if (filter.workerId !== undefined) {
    const tasks = `SELECT DISTINCT task FROM attempt WHERE worker_id = ${values.add(filter.workerId)}`;
    return { from: `(${tasks}) AS w CROSS JOIN task AS t ON t.sequence = w.task`, sequence: 't.sequence' };
  }
  if (filter.owner !== undefined) return byIndex('task_owner');
  return null;
}

/** The pairs of namespace and state to merge; null: too many, or every one of them anyway. */
function streams(filter: TaskFilter, everyNamespace: () => readonly string[]): [string, TaskState][] | null {
  if (filter.namespaces === 'all' && filter.states === undefined) return null;
  const states = [...new Set(filter.states ?? STATES)];
  if (states.length === 0) return [];
  const most = MOST_STREAMS / states.length;
  if (filter.namespaces !== 'all' && filter.namespaces.length > most) return null;
  const namespaces = filter.namespaces === 'all' ? everyNamespace() : [...new Set(filter.namespaces)];
  if (namespaces.length > most) return null;
  return namespaces.flatMap((namespace) => states.map((state): [string, TaskState] => [namespace, state]));
}

/** `plus` before a column keeps SQLite from choosing an index because of it. */
function conditions(filter: TaskFilter, values: Values, plus: '' | '+' = ''): string[] {
  const where: string[] = [];
  const isIn = (column: string, items: readonly string[]) =>
    where.push(`${plus}t.${column} IN (SELECT value FROM json_each(${values.add(JSON.stringify(items))}))`);
  const is = (column: string, value: string | undefined) => {
    if (value !== undefined) where.push(`${plus}t.${column} = ${values.add(value)}`);
  };
  if (filter.namespaces !== 'all') isIn('namespace', filter.namespaces);
  if (filter.states !== undefined) isIn('state', filter.states);
  if (filter.reasons !== undefined) isIn('reason', filter.reasons);
  is('owner', filter.owner);
  is('job_id', filter.jobId);
  is('name', filter.name);
  if (filter.idPrefix !== undefined && filter.idPrefix !== '') {
    // Ids are ASCII, so U+007F is above each of their characters.
    where.push(`t.id >= ${values.add(filter.idPrefix)} AND t.id < ${values.add(`${filter.idPrefix}\u007f`)}`);
  }
  if (filter.search !== undefined) {
    const text = lower(filter.search);
    const [id, end, part] = [values.add(text), values.add(`${text}\u007f`), values.add(text)];
    where.push(
      `((t.id >= ${id} AND t.id < ${end}) OR instr(lower(t.name), ${part}) > 0 OR EXISTS (
        SELECT 1 FROM spec WHERE spec.id = t.spec AND instr(lower(spec.image), ${part}) > 0))`,
    );
  }
  if (filter.submittedAfter !== undefined) where.push(`t.submitted_at >= ${values.add(filter.submittedAfter)}`);
  if (filter.submittedBefore !== undefined) where.push(`t.submitted_at < ${values.add(filter.submittedBefore)}`);
  if (filter.image !== undefined) {
    where.push(`EXISTS (SELECT 1 FROM spec WHERE spec.id = t.spec AND spec.image = ${values.add(filter.image)})`);
  }
  if (filter.workerId !== undefined) {
    where.push(
      `EXISTS (SELECT 1 FROM attempt AS a INDEXED BY attempt_task
        WHERE a.task = t.sequence AND a.worker_id = ${values.add(filter.workerId)})`,
    );
  }
  for (const [key, value] of Object.entries(filter.labels ?? {})) {
    where.push(
      `EXISTS (SELECT 1 FROM label WHERE key = ${values.add(key)} AND value = ${values.add(value)} AND task = t.sequence)`,
    );
  }
  return where;
}

/** As SQLite's: ASCII only. */
function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function all(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}

/** Values of a statement in the making; each gets a number, so that parts may be put together in any order. */
class Values {
  readonly #values: Value[] = [];

  add(value: Value): string {
    this.#values.push(value);
    return `?${this.#values.length}`;
  }

  query(text: string): Query {
    return { text, values: this.#values };
  }
}
