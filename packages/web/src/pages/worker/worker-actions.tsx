import type { WorkerView } from '@cloudai/sdk';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { TextField } from '../../components/field.tsx';
import { ErrorNote } from '../../components/note.tsx';
import { tell, tellError } from '../../components/toast.tsx';
import { counted } from '../../format/count.ts';
import { client } from '../../session/client.ts';
import { useIsAdmin } from '../../session/session.tsx';

export function WorkerActions({ worker }: { readonly worker: WorkerView }) {
  const isAdmin = useIsAdmin();
  const [asking, setAsking] = useState(false);
  const resume = useMutation({
    mutationFn: () => client.drainWorker(worker.id, { off: true }),
    onSuccess: () => tell(`${worker.id} takes tasks again.`),
    onError: tellError,
  });
  if (!isAdmin || worker.state === 'revoked') return null;
  return (
    <>
      {worker.drain === null ? (
        <Button icon="drain" onClick={() => setAsking(true)}>
          Drain
        </Button>
      ) : (
        <Button icon="play" busy={resume.isPending} onClick={() => resume.mutate()}>
          End the drain
        </Button>
      )}
      {asking && <DrainDialog worker={worker} onClose={() => setAsking(false)} />}
    </>
  );
}

function DrainDialog({ worker, onClose }: { readonly worker: WorkerView; readonly onClose: () => void }) {
  const [deadline, setDeadline] = useState('');
  const [reason, setReason] = useState('');
  const drain = useMutation({
    mutationFn: () =>
      client.drainWorker(worker.id, {
        ...(deadline.trim() === '' ? {} : { deadline: deadline.trim() }),
        ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
      }),
    onSuccess: () => {
      tell(`${worker.id} is being drained.`);
      onClose();
    },
  });
  return (
    <Dialog
      title={`Drain ${worker.id}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Leave it</Button>
          <Button kind="primary" icon="drain" busy={drain.isPending} onClick={() => drain.mutate()}>
            Drain the worker
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <p>
          It takes no new tasks.{' '}
          {worker.runningTasks.length === 0
            ? 'Nothing runs on it now.'
            : `${counted(worker.runningTasks.length, 'task')} on it may end by themselves.`}
        </p>
        <TextField
          label="Deadline"
          placeholder="30m, optional"
          value={deadline}
          onChange={({ target }) => setDeadline(target.value)}
          hint="What still runs then is moved to other workers. Without one it may run to its end."
        />
        <TextField
          label="Reason"
          placeholder="kernel update, optional"
          value={reason}
          onChange={({ target }) => setReason(target.value)}
          maxLength={512}
        />
        {drain.error !== null && <ErrorNote error={drain.error} />}
      </div>
    </Dialog>
  );
}
