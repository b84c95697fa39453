/**
 * What runs in the store's threads. A thread answers one request after the other, in the order in which they came.
 * SQLite's calls are synchronous: here a sync that takes seconds stops nobody but the next commit.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { StoreError, type StoreErrorCode, type StoreHealth } from '../store.ts';
import { Auditor } from './auditor.ts';
import { Reader } from './reader.ts';
import { Writer, type WriterOptions } from './writer.ts';

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

const port = parentPort;
if (port !== null) serve(port, workerData as Role);

function serve(out: NonNullable<typeof parentPort>, role: Role): void {
  const send = (message: FromThread) => out.postMessage(message);
  const fail = (id: number | null, error: unknown) => {
    const code = error instanceof StoreError ? error.code : error instanceof RangeError ? 'range' : 'bug';
    send({ kind: 'error', id, code, message: error instanceof Error ? error.message : String(error) });
  };
  let target: Writer | Reader | Auditor;
  try {
    target = start(role, (health) => send({ kind: 'health', health }));
  } catch (error) {
    fail(null, error);
    return;
  }
  send({ kind: 'answer', id: null, value: null, ...(target instanceof Writer ? { health: target.health } : {}) });
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

function start(role: Role, tell: (health: StoreHealth) => void): Writer | Reader | Auditor {
  switch (role.role) {
    case 'writer':
      return new Writer(role, tell);
    case 'reader':
      return new Reader(role.path);
    case 'auditor':
      return new Auditor(role.path);
  }
}
