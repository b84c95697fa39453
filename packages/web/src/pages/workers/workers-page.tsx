import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { DataGrid } from '../../components/data-grid.tsx';
import { INPUT } from '../../components/field.tsx';
import { Empty, ErrorNote } from '../../components/note.tsx';
import { Page } from '../../components/page.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { counted } from '../../format/count.ts';
import { useWorkers } from '../../live/use-workers.ts';
import { useIsAdmin } from '../../session/session.tsx';
import { RegisterDialog } from './register-dialog.tsx';
import { WORKER_COLUMNS } from './worker-columns.tsx';
import { matches } from './worker-match.ts';

export function WorkersPage() {
  const { rows, error, refetch } = useWorkers();
  const [text, setText] = useState('');
  const [registering, setRegistering] = useState(false);
  const navigate = useNavigate();
  const isAdmin = useIsAdmin();
  const shown = rows?.filter((worker) => matches(worker, text));
  return (
    <Page
      title="Workers"
      fill
      lead={rows === undefined ? ' ' : counted(rows.length, 'worker')}
      actions={
        <>
          <input
            type="search"
            aria-label="Filter workers"
            placeholder="Id, state, address or label=value"
            value={text}
            onChange={({ target }) => setText(target.value)}
            className={`${INPUT} w-64!`}
          />
          <Link to="/topology" search={{}} className="px-2">
            Topology
          </Link>
          {isAdmin && (
            <Button kind="primary" icon="submit" onClick={() => setRegistering(true)}>
              Register a worker
            </Button>
          )}
        </>
      }
    >
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      <DataGrid
        label="Workers"
        className="min-h-0 flex-1"
        columns={WORKER_COLUMNS}
        rows={shown ?? []}
        keyOf={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: '/workers/$worker', params: { worker: id } })}
        empty={
          rows === undefined ? (
            <SkeletonRows rows={8} />
          ) : rows.length > 0 ? (
            <Empty icon="filter" title="No worker matches" />
          ) : (
            <Empty icon="workers" title="No workers yet">
              {isAdmin
                ? 'Register one: you get a command to paste on its machine, and it joins.'
                : 'An admin registers workers.'}
            </Empty>
          )
        }
      />
      {registering && <RegisterDialog onClose={() => setRegistering(false)} />}
    </Page>
  );
}
