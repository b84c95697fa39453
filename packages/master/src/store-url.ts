import path from 'node:path';

/** The store of a data directory. */
export function storeUrl(dataDir: string): string {
  return `sqlite:${path.join(dataDir, 'cloudai.db')}`;
}
