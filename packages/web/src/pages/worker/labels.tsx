import type { WorkerView } from '@cloudai/sdk';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, IconButton } from '../../components/button.tsx';
import { TextField } from '../../components/field.tsx';
import { Panel } from '../../components/panel.tsx';
import { tellError } from '../../components/toast.tsx';
import { client } from '../../session/client.ts';
import { useIsAdmin } from '../../session/session.tsx';

/** Labels of a worker. Those that it found out by itself come back when they are taken away. */
export function Labels({ worker }: { readonly worker: WorkerView }) {
  const isAdmin = useIsAdmin();
  const [text, setText] = useState('');
  const change = useMutation({
    mutationFn: (patch: Record<string, string | null>) => client.labelWorker(worker.id, patch),
    onSuccess: () => setText(''),
    onError: tellError,
  });
  const at = text.indexOf('=');
  return (
    <Panel title="Labels">
      <ul className="flex flex-wrap gap-2">
        {Object.entries(worker.labels).map(([key, value]) => (
          <li key={key} className="inline-flex h-8 items-center rounded-md border border-line-strong pl-2.5 text-small">
            <span className="text-muted">{key}=</span>
            <span className="pr-2.5 font-medium">{value}</span>
            {isAdmin && (
              <IconButton
                icon="close"
                label={`Remove the label ${key}`}
                disabled={change.isPending}
                onClick={() => change.mutate({ [key]: null })}
                className="-ml-2"
              />
            )}
          </li>
        ))}
      </ul>
      {isAdmin && (
        <form
          className="mt-3 flex items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            if (at > 0) change.mutate({ [text.slice(0, at).trim()]: text.slice(at + 1).trim() });
          }}
        >
          <div className="flex-1">
            <TextField
              label="Set a label"
              placeholder="key=value"
              value={text}
              onChange={({ target }) => setText(target.value)}
            />
          </div>
          <Button type="submit" disabled={at <= 0} busy={change.isPending}>
            Set
          </Button>
        </form>
      )}
    </Panel>
  );
}
