import type { TaskView } from '@cloudai/sdk';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Button, buttonClass } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { TextField } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { tell, tellError } from '../../components/toast.tsx';
import { taskKey } from '../../live/keys.ts';
import { client } from '../../session/client.ts';

export function TaskActions({ task }: { readonly task: TaskView }) {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [asking, setAsking] = useState(false);
  const [why, setWhy] = useState('');
  const cancel = useMutation({
    mutationFn: () => client.cancelTask(task.id, why.trim() === '' ? {} : { message: why.trim() }),
    onSuccess: (answer) => {
      setAsking(false);
      tell(answer.endedAt === null ? 'The task is being stopped.' : 'The task is cancelled.');
      void cache.invalidateQueries({ queryKey: taskKey(task.id) });
    },
    onError: tellError,
  });
  const retry = useMutation({
    mutationFn: () => client.retryTask(task.id),
    onSuccess: ({ id }) => {
      tell('Submitted again as a new task.');
      return navigate({ to: '/tasks/$task', params: { task: id }, search: {} });
    },
    onError: tellError,
  });
  return (
    <>
      {task.endedAt !== null && (
        <Button icon="retry" busy={retry.isPending} onClick={() => retry.mutate()}>
          Retry
        </Button>
      )}
      <Link to="/submit" search={{ from: task.id }} className={buttonClass('secondary')}>
        <Icon name="edit" />
        Resubmit with edits
      </Link>
      {task.endedAt === null && (
        <Button kind="danger" icon="cancel" onClick={() => setAsking(true)}>
          Cancel
        </Button>
      )}
      {asking && (
        <Dialog
          title="Cancel this task?"
          onClose={() => setAsking(false)}
          actions={
            <>
              <Button onClick={() => setAsking(false)}>Keep it</Button>
              <Button kind="danger" icon="cancel" busy={cancel.isPending} onClick={() => cancel.mutate()}>
                Cancel the task
              </Button>
            </>
          }
        >
          <div className="flex flex-col gap-4">
            <p>If it runs, it is asked to stop, and killed when it does not within its grace time.</p>
            <TextField
              label="Why, for the record"
              value={why}
              onChange={({ target }) => setWhy(target.value)}
              placeholder="optional"
              maxLength={512}
            />
          </div>
        </Dialog>
      )}
    </>
  );
}
