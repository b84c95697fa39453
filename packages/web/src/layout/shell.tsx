import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useState } from 'react';
import { IconButton } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { useClusterUpdates } from '../live/use-cluster.ts';
import { SearchDialog } from '../search/search-dialog.tsx';
import { useSearchKey } from '../search/use-search-key.ts';
import { LiveState } from './live-state.tsx';
import { Mark } from './mark.tsx';
import { Navigation } from './navigation.tsx';
import { NavigationDrawer } from './navigation-drawer.tsx';
import { ThemeSwitch } from './theme-switch.tsx';
import { UserMenu } from './user-menu.tsx';

export function Shell() {
  const [drawer, setDrawer] = useState(false);
  const [searching, setSearching] = useState(false);
  useClusterUpdates();
  useSearchKey(() => setSearching(true));
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <div className="flex h-full flex-col">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:bg-raised focus:p-2"
      >
        Skip to the content
      </a>
      <header className="flex h-12 shrink-0 items-center gap-2 border-b bg-surface px-3">
        <IconButton icon="menu" label="Pages" className="md:hidden" onClick={() => setDrawer(true)} />
        <Link
          to="/"
          aria-label="CloudAI, overview"
          className="flex w-44 shrink-0 items-center gap-2.5 px-1 text-section font-semibold tracking-tight no-underline max-md:w-auto"
        >
          <Mark />
          <span className="max-sm:hidden">CloudAI</span>
        </Link>
        <button
          type="button"
          onClick={() => setSearching(true)}
          className="flex h-8 min-w-0 flex-1 items-center gap-2 rounded-md border border-control bg-canvas px-2.5 text-left text-faint hover:border-muted sm:max-w-md"
        >
          <Icon name="search" />
          <span className="min-w-0 flex-1 truncate">Search tasks, workers, pages</span>
          <kbd className="rounded-sm border border-line-strong px-1.5 font-sans text-label max-sm:hidden">Ctrl K</kbd>
        </button>
        <div className="ml-auto flex items-center gap-1">
          <LiveState />
          <ThemeSwitch />
          <UserMenu />
        </div>
      </header>
      <div className="flex min-h-0 flex-1">
        <aside className="w-50 shrink-0 overflow-y-auto border-r bg-surface p-3 max-md:hidden">
          <Navigation />
        </aside>
        <main
          key={path.split('/')[1]}
          id="content"
          tabIndex={-1}
          className="min-w-0 flex-1 overflow-y-auto outline-none"
        >
          <Outlet />
        </main>
      </div>
      {drawer && <NavigationDrawer onClose={() => setDrawer(false)} />}
      {searching && <SearchDialog onClose={() => setSearching(false)} />}
    </div>
  );
}
