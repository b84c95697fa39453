import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openStore } from '../open.ts';
import type { OpenOptions, Store } from '../store.ts';

/** A directory that goes with the test. */
export function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'cloudai-store-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export const CREATE = { create: { clusterId: 'cluster-1' } } as const;

/** Opened until the test ends; no reserve unless asked for. */
export async function opened(path: string, options: OpenOptions = {}): Promise<Store> {
  const store = await openStore(`sqlite:${path}`, { reserveBytes: 0, ...options });
  onTestFinished(() => store.close());
  return store;
}
