import type { WorkerRegistered } from '@cloudai/sdk';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { TextField } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { ErrorNote } from '../../components/note.tsx';
import { wholeTime } from '../../format/time.ts';
import { WORKERS_KEY } from '../../live/keys.ts';
import { useWorkers } from '../../live/use-workers.ts';
import { client } from '../../session/client.ts';
import { parsePairs } from '../submit/pairs.ts';

/** Admits a worker and shows the command that makes it join. */
export function RegisterDialog({ onClose }: { readonly onClose: () => void }) {
  const form = useId();
  const cache = useQueryClient();
  const [id, setId] = useState('');
  const [address, setAddress] = useState('');
  const [labels, setLabels] = useState('');
  const register = useMutation({
    mutationFn: () => {
      const pairs = parsePairs(labels, ',');
      return client.registerWorker({
        id: id.trim(),
        ...(address.trim() === '' ? {} : { address: address.trim() }),
        ...(Object.keys(pairs).length === 0 ? {} : { labels: pairs }),
      });
    },
    onSuccess: () => cache.invalidateQueries({ queryKey: WORKERS_KEY }),
  });
  if (register.data !== undefined) return <Registered registered={register.data} onClose={onClose} />;
  return (
    <Dialog
      title="Register a worker"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" type="submit" form={form} busy={register.isPending} disabled={id.trim() === ''}>
            Register
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          register.mutate();
        }}
      >
        <TextField
          label="Id"
          required
          autoFocus
          value={id}
          onChange={({ target }) => setId(target.value)}
          placeholder="worker-3"
          hint="Letters, digits, dots, dashes. It stays the worker’s name for good."
        />
        <TextField
          label="Address"
          value={address}
          onChange={({ target }) => setAddress(target.value)}
          placeholder="host:port, optional"
          hint="For people. Workers dial the master, so nothing has to be reachable."
        />
        <TextField
          label="Labels"
          value={labels}
          onChange={({ target }) => setLabels(target.value)}
          placeholder="zone=b, disk=ssd"
          hint="Tasks choose workers by these."
        />
        {register.error !== null && <ErrorNote error={register.error} />}
      </form>
    </Dialog>
  );
}

function Registered({ registered, onClose }: { readonly registered: WorkerRegistered; readonly onClose: () => void }) {
  const { worker, command, expiresAt } = registered;
  const { rows } = useWorkers();
  const hasJoined = rows?.find(({ id }) => id === worker.id)?.state === 'active';
  return (
    <Dialog
      title={`${worker.id} is registered`}
      wide
      onClose={onClose}
      actions={
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <p>Run this on the machine of the worker. The token in it works once, and is shown only here.</p>
      <div className="mt-3 flex items-start gap-2 rounded-md border bg-sunken p-3">
        <code className="min-w-0 flex-1 font-mono text-small break-all" data-testid="join-command">
          {command}
        </code>
        <CopyButton text={command} label="Copy the command" />
      </div>
      <p className="mt-3 text-small text-muted">Good until {wholeTime(expiresAt)}.</p>
      <p role="status" className={`mt-3 flex items-center gap-2 ${hasJoined ? 'text-completed' : 'text-muted'}`}>
        {hasJoined ? <Icon name="check" /> : <span className="size-2 rounded-full bg-current pulse" />}
        {hasJoined ? `${worker.id} has joined.` : `Waiting for ${worker.id} to join …`}
      </p>
    </Dialog>
  );
}
