import { type ReactNode, useEffect } from 'react';

interface PageProps {
  readonly title: string;
  /** What stands as heading when it is more than the title. */
  readonly heading?: ReactNode;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** Fills the height of the window: its content scrolls by itself. */
  readonly fill?: boolean;
}

export function Page({ title, heading, lead, actions, children, fill = false }: PageProps) {
  useEffect(() => {
    document.title = `${title} · CloudAI`;
  }, [title]);
  return (
    <div className={`mx-auto flex w-full max-w-[1600px] flex-col gap-4 p-4 md:p-6 ${fill ? 'h-full min-h-120' : ''}`}>
      <header className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <h1 className="text-page font-semibold tracking-tight">{heading ?? title}</h1>
          {lead !== undefined && <div className="mt-1 text-muted">{lead}</div>}
        </div>
        {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
