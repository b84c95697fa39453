import { Link } from '@tanstack/react-router';
import { Icon, type IconName } from '../components/icon.tsx';
import { compactCount } from '../format/count.ts';
import { useCluster } from '../live/use-cluster.ts';

const LINKS = [
  { to: '/', label: 'Overview', icon: 'overview' },
  { to: '/tasks', label: 'Tasks', icon: 'tasks' },
  { to: '/queue', label: 'Queue', icon: 'queue' },
  { to: '/workers', label: 'Workers', icon: 'workers' },
  { to: '/topology', label: 'Topology', icon: 'topology' },
  { to: '/events', label: 'Events', icon: 'events' },
] as const satisfies readonly { to: string; label: string; icon: IconName }[];

const LINK =
  'flex h-8 items-center gap-2.5 rounded-md px-2.5 font-medium text-muted no-underline transition-colors hover:bg-hover hover:text-ink data-[status=active]:bg-accent-soft data-[status=active]:text-accent';

export function Navigation({ onNavigate }: { readonly onNavigate?: () => void }) {
  const { data: cluster } = useCluster();
  const counts: Record<string, number | undefined> = {
    '/tasks': cluster?.tasks.running,
    '/queue': cluster?.queueDepth,
    '/workers': cluster?.workers.active,
  };
  return (
    <nav aria-label="Pages" className="flex flex-col gap-0.5">
      <Link
        to="/submit"
        onClick={() => onNavigate?.()}
        className="mb-3 flex h-8 items-center gap-2.5 rounded-md bg-accent px-2.5 font-medium text-accent-ink no-underline hover:opacity-90"
      >
        <Icon name="submit" />
        Submit a task
      </Link>
      {LINKS.map(({ to, label, icon }) => (
        <Link
          key={to}
          to={to}
          activeOptions={{ exact: to === '/', includeSearch: false }}
          onClick={() => onNavigate?.()}
          className={LINK}
        >
          <Icon name={icon} />
          <span className="flex-1">{label}</span>
          {counts[to] !== undefined && counts[to] > 0 && (
            <span className="text-small font-normal text-faint">{compactCount(counts[to])}</span>
          )}
        </Link>
      ))}
    </nav>
  );
}
