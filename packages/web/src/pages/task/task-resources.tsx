import type { TaskDetail } from '@cloudai/sdk';
export function TaskResources(_: { readonly detail: TaskDetail }) {
  return null;
}
