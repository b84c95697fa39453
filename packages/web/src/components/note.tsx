/** What takes the place of content: nothing there yet, or it could not be had. Both say what to do. */
import { ApiError, ConnectionError } from '@cloudai/sdk';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';

interface EmptyProps {
  readonly icon?: IconName;
  readonly title: string;
  readonly children?: ReactNode;
}

export function Empty({ icon = 'info', title, children }: EmptyProps) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-10 text-center">
      <span className="flex size-9 items-center justify-center rounded-full bg-sunken text-faint">
        <Icon name={icon} />
      </span>
      <p className="font-medium">{title}</p>
      {children !== undefined && <div className="max-w-md text-muted">{children}</div>}
    </div>
  );
}

interface ErrorNoteProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
}

export function ErrorNote({ error, onRetry }: ErrorNoteProps) {
  const { message, remedy, requestId } = explain(error);
  return (
    <div role="alert" className="flex gap-3 rounded-md border border-failed/40 bg-surface p-3 text-left">
      <Icon name="warning" className="mt-0.5 text-failed" />
      <div className="min-w-0 flex-1">
        <p className="font-medium break-words">{message}</p>
        {remedy !== null && <p className="mt-0.5 text-muted">{remedy}</p>}
        {requestId !== '' && <p className="mt-1 font-mono text-label text-faint">request {requestId}</p>}
      </div>
      {onRetry !== undefined && (
        <Button small icon="retry" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

export function explain(error: unknown): { message: string; remedy: string | null; requestId: string } {
  if (error instanceof ApiError) return { message: error.message, remedy: error.remedy, requestId: error.requestId };
  if (error instanceof ConnectionError)
    return {
      message: `The master does not answer: ${error.message}.`,
      remedy: 'It is asked again by itself. If this goes on, look at the log of the master.',
      requestId: '',
    };
  return { message: error instanceof Error ? error.message : String(error), remedy: null, requestId: '' };
}
