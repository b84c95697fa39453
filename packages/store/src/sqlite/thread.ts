/**
 * What runs in the store's threads. A thread answers one request after the other, in the order in which they came.
 * SQLite's calls are synchronous: here a sync that takes seconds stops nobody but the next commit.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { StoreError, type StoreErrorCode, type StoreHealth } from '../store.ts';
import type { WriterOptions } from './writer.ts';

export type Role =
  | ({ readonly role: 'writer' } & WriterOptions)
  | { readonly role: 'reader' | 'auditor'; readonly path: string };

/** What the caller's thread throws again: a StoreError with this code, or the caller's own mistake, or a bug. */
type ErrorCode = StoreErrorCode | 'range' | 'bug';

/** `null` as id: the answer to the start of the thread itself. */
export type FromThread =
  | { readonly kind: 'answer'; readonly id: number | null; readonly value: unknown; readonly health?: StoreHealth }
  | { readonly kind: 'error'; readonly id: number | null; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'health'; readonly health: StoreHealth };

export interface ToThread {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** Methods by name; which arguments go with which is typed where the requests are made (store.ts). */
type Methods = Readonly<Record<string, (...args: never[]) => unknown>>;

/** What a role works with: its methods, and its health if it has one. */
interface Target {
  readonly health?: StoreHealth;
}

const port = parentPort;
if (port !== null) await serve(port, workerData as Role);

async function serve(out: NonNullable<typeof parentPort>, role: Role): Promise<void> {
  const send = (message: FromThread) => out.postMessage(message);
  const fail = (id: number | null, error: unknown) => {
    const code = error instanceof StoreError ? error.code : error instanceof RangeError ? 'range' : 'bug';
    send({ kind: 'error', id, code, message: error instanceof Error ? error.message : String(error) });
  };
  let target: Target;
  try {
    target = await start(role, (health) => send({ kind: 'health', health }));
  } catch (error) {
    fail(null, error);
    return;
  }
  const { health } = target;
  send({ kind: 'answer', id: null, value: null, ...(health === undefined ? {} : { health }) });
  const methods = target as unknown as Methods;
  out.on('message', ({ id, method, args }: ToThread) => {
    try {
      send({ kind: 'answer', id, value: methods[method]!(...(args as never[])) });
    } catch (error) {
      fail(id, error);
    }
    if (method === 'close') out.close();
  });
}

/** Loads only what the role needs: reading the sources is most of the time that a thread takes to start. */
async function start(role: Role, tell: (health: StoreHealth) => void): Promise<Target> {
  switch (role.role) {
    case 'writer': {
      const { Writer } = await import('./writer.ts');
      return new Writer(role, tell);
    }
    case 'reader': {
      const { Reader } = await import('./reader.ts');
      return new Reader(role.path) as Target;
    }
    case 'auditor': {
      const { Auditor } = await import('./auditor.ts');
      return new Auditor(role.path) as Target;
    }
  }
}
