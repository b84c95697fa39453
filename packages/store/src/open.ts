import { openSqlite } from './sqlite/open.ts';
import { type OpenStore, StoreError } from './store.ts';

/** `sqlite:` and a path: absolute, or relative to the working directory. */
export const openStore: OpenStore = async (url, options = {}) => openSqlite(pathOf(url), options);

export function pathOf(url: string): string {
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : '';
  if (path === '') {
    throw new StoreError('store_missing', `"${url}" names no store: write sqlite:/path/to/cloudai.db`);
  }
  return path;
}
