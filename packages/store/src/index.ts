export { openStore } from './open.ts';
export {
  type Cursor,
  type EventFilter,
  type Finding,
  type OpenOptions,
  type OpenStore,
  type Page,
  type Pruned,
  type Retention,
  type Store,
  StoreError,
  type StoreErrorCode,
  type StoreHealth,
  type StoreInfo,
  type TaskFilter,
  type TaskOrder,
} from './store.ts';
