import type { Attempt, Change, ClusterEvent, Job, Snapshot, Task, TaskSpec, TaskState } from '@cloudai/engine';
import {
  type Cursor,
  type EventFilter,
  type EventOrder,
  type Finding,
  type JobFilter,
  type Page,
  type Pruned,
  type Retention,
  type Store,
  StoreError,
  type StoreHealth,
  type StoreInfo,
  type TaskFilter,
  type TaskOrder,
} from '../store.ts';
import { auditInBackground } from './background-audit.ts';
import { decodeAttempt, decodeEvent, decodeTask, encode, type Row, SPEC } from './codec.ts';
import { load } from './load.ts';
import type { PruneStep } from './prune.ts';
import type { AttemptRows, TaskRows } from './reader.ts';
import { Remote } from './remote.ts';

/** The store's face in the master's thread: it packs, asks its threads and unpacks. */
export class SqliteStore implements Store {
  readonly #path: string;
  /** null: opened for reading only. */
  #writer: Remote | null = null;
  /** For what is found by its key, so that it need not wait for a listing. */
  #reader: Remote | null = null;
  /** For listings and counts, which may take long. */
  #lister: Remote | null = null;
  #health: StoreHealth = { state: 'ok', message: null, freeBytes: 0, reserveBytes: 0 };
  #closing: Promise<void> | null = null;

  private constructor(path: string) {
    this.#path = path;
  }

  static async open(path: string, options: { readOnly: boolean; reserveBytes: number }): Promise<SqliteStore> {
    const store = new SqliteStore(path);
    try {
      if (!options.readOnly) {
        const role = { role: 'writer', path, reserveBytes: options.reserveBytes } as const;
        store.#writer = await Remote.start(role, (health) => {
          store.#health = health;
        });
      }
      const readers = [0, 1].map(() => Remote.start({ role: 'reader', path }));
      const started = await Promise.allSettled(readers);
      const [reader, lister] = started.map((one) => (one.status === 'fulfilled' ? one.value : null));
      store.#reader = reader ?? null;
      store.#lister = lister ?? null;
      await Promise.all(readers);
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  load(endedSince: number): Promise<Snapshot> {
    return load(this.#path, endedSince);
  }

  async commit(epoch: number, changes: readonly Change[]): Promise<void> {
    await this.#writing().request('commit', epoch, encode(changes));
  }

  async task(id: string): Promise<Task | null> {
    return unpackTasks(await this.#reading().request('task', id))[0] ?? null;
  }

  async tasks(filter: TaskFilter, order: TaskOrder, limit: number, cursor: Cursor | null): Promise<Page<Task>> {
    const page: TaskRows = await this.#listing().request('tasks', filter, order, limit, cursor);
    return { items: unpackTasks(page), next: page.next };
  }

  countTasks(filter: TaskFilter): Promise<Readonly<Partial<Record<TaskState, number>>>> {
    return this.#listing().request('countTasks', filter);
  }

  async attempts(taskId: string): Promise<readonly Attempt[]> {
    return unpackAttempts(await this.#reading().request('attempts', taskId));
  }

  async attemptsOnWorker(workerId: string, limit: number, cursor: Cursor | null): Promise<Page<Attempt>> {
    const page: AttemptRows = await this.#listing().request('attemptsOnWorker', workerId, limit, cursor);
    return { items: unpackAttempts(page), next: page.next };
  }

  async job(id: string): Promise<Job | null> {
    const text: string | null = await this.#reading().request('job', id);
    return text === null ? null : JSON.parse(text);
  }

  async jobs(filter: JobFilter, limit: number, cursor: Cursor | null): Promise<Page<Job>> {
    const page: Page<string> = await this.#listing().request('jobs', filter, limit, cursor);
    return { items: page.items.map((text) => JSON.parse(text)), next: page.next };
  }

  async events(
    filter: EventFilter,
    from: number,
    limit: number,
    order: EventOrder = 'oldest',
  ): Promise<readonly ClusterEvent[]> {
    const thread = filter.taskId === undefined ? this.#listing() : this.#reading();
    const rows: Row[] = await thread.request('events', filter, from, limit, order);
    return rows.map(decodeEvent);
  }

  async prune(retention: Retention, now: number): Promise<Pruned> {
    const taskIds: string[] = [];
    let events = 0;
    for (const step of ['pruneTasks', 'pruneEvents']) {
      for (let done = false; !done; ) {
        const removed: PruneStep = await this.#writing().request(step, retention, now);
        taskIds.push(...removed.taskIds);
        events += removed.events;
        done = removed.done;
      }
    }
    return { taskIds, events };
  }

  backup(path: string): Promise<void> {
    return this.#audit('backup', path);
  }

  fsck(background?: AbortSignal): Promise<readonly Finding[]> {
    return background === undefined ? this.#audit('fsck') : auditInBackground(this.#path, background);
  }

  info(): Promise<StoreInfo> {
    return this.#reading().request('info');
  }

  health(): StoreHealth {
    return this.#health;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // The last connection to close copies the log into the file and removes it. After a failure that must not be.
    const writerLast = this.#health.state !== 'failed';
    if (!writerLast) await this.#writer?.close();
    await Promise.all([this.#reader?.close(), this.#lister?.close()]);
    if (writerLast) await this.#writer?.close();
  }

  // biome-ignore lint/suspicious/noExplicitAny: the answer's type is stated by the callers above.
  async #audit(method: string, ...args: readonly unknown[]): Promise<any> {
    this.#reading();
    const auditor = await Remote.start({ role: 'auditor', path: this.#path });
    try {
      return await auditor.request(method, ...args);
    } finally {
      await auditor.close();
    }
  }

  #reading(): Remote {
    if (this.#reader === null || this.#closing !== null) throw this.#closed();
    return this.#reader;
  }

  #listing(): Remote {
    if (this.#lister === null || this.#closing !== null) throw this.#closed();
    return this.#lister;
  }

  #writing(): Remote {
    if (this.#closing !== null) throw this.#closed();
    if (this.#writer === null) {
      throw new StoreError('store_failed', `${this.#path} was opened for reading only.`);
    }
    return this.#writer;
  }

  #closed(): StoreError {
    return new StoreError('store_failed', `${this.#path} is closed.`);
  }
}

function unpackTasks(page: TaskRows): Task[] {
  const specs = new Map<number, TaskSpec>(page.specs.map(([number, text]) => [number, JSON.parse(text)]));
  return page.rows.map((row) => decodeTask(row, specs.get(row[SPEC] as number)!));
}

function unpackAttempts(page: AttemptRows): Attempt[] {
  return page.rows.map((row) => decodeAttempt(row, row.at(-1) as string));
}
