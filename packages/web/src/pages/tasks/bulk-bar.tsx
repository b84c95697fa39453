import type { TaskView } from '@cloudai/sdk';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { tell, tellError } from '../../components/toast.tsx';
import { counted } from '../../format/count.ts';
import { cancelTasks, retryTasks } from './bulk.ts';

interface BulkBarProps {
  readonly rows: readonly TaskView[];
  readonly selected: ReadonlySet<string>;
  readonly onDone: () => void;
}

/** What can be done with the selected tasks at once. */
export function BulkBar({ rows, selected, onDone }: BulkBarProps) {
  const [asking, setAsking] = useState(false);
  const cache = useQueryClient();
  const tasks = rows.filter(({ id }) => selected.has(id));
  const live = tasks.filter(({ endedAt }) => endedAt === null).map(({ id }) => id);
  const ended = tasks.filter(({ endedAt }) => endedAt !== null).map(({ id }) => id);
  const after = (text: string) => {
    tell(text);
    setAsking(false);
    onDone();
    void cache.invalidateQueries({ queryKey: ['tasks'] });
  };
  const cancel = useMutation({
    mutationFn: () => cancelTasks(live),
    onSuccess: (text) => after(text),
    onError: tellError,
  });
  const retry = useMutation({
    mutationFn: () => retryTasks(ended),
    onSuccess: (text) => after(text),
    onError: tellError,
  });
  return (
    <div
      role="toolbar"
      aria-label="Selected tasks"
      className="sticky bottom-4 z-20 mx-auto flex flex-wrap items-center justify-center gap-2 rounded-lg border border-line-strong bg-raised px-3 py-2 shadow-float"
    >
      <span className="px-1 font-medium">{selected.size} selected</span>
      <Button icon="cancel" kind="danger" disabled={live.length === 0} onClick={() => setAsking(true)}>
        Cancel {live.length}
      </Button>
      <Button icon="retry" disabled={ended.length === 0} busy={retry.isPending} onClick={() => retry.mutate()}>
        Retry {ended.length}
      </Button>
      <Button kind="ghost" onClick={onDone}>
        Clear
      </Button>
      {asking && (
        <Dialog
          title={`Cancel ${counted(live.length, 'task')}?`}
          onClose={() => setAsking(false)}
          actions={
            <>
              <Button onClick={() => setAsking(false)}>Keep them</Button>
              <Button kind="danger" icon="cancel" busy={cancel.isPending} onClick={() => cancel.mutate()}>
                Cancel them
              </Button>
            </>
          }
        >
          Those that run are asked to stop, and killed when they do not within their grace time. This can not be undone;
          a cancelled task can be retried as a new one.
        </Dialog>
      )}
    </div>
  );
}
