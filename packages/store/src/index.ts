export { openStore } from './open.ts';
export { restore } from './restore.ts';
export {
  type Cursor,
  type EventFilter,
  type EventOrder,
  type Finding,
  type JobFilter,
  type OpenOptions,
  type OpenStore,
  type Page,
  type Pruned,
  type Restored,
  type RestoreOptions,
  type Retention,
  type Store,
  StoreError,
  type StoreErrorCode,
  type StoreHealth,
  type StoreInfo,
  type TaskFilter,
  type TaskOrder,
} from './store.ts';
