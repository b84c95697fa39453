import type { IconName } from '../components/icon.tsx';

export interface SearchPage {
  readonly to: string;
  readonly label: string;
  readonly icon: IconName;
}

export const PAGES: readonly SearchPage[] = [
  { to: '/', label: 'Overview', icon: 'overview' },
  { to: '/submit', label: 'Submit a task', icon: 'submit' },
  { to: '/tasks', label: 'Tasks', icon: 'tasks' },
  { to: '/queue', label: 'Queue', icon: 'queue' },
  { to: '/workers', label: 'Workers', icon: 'workers' },
  { to: '/topology', label: 'Topology', icon: 'topology' },
  { to: '/events', label: 'Events', icon: 'events' },
];
