import type { TaskSubmission, TaskView } from '@cloudai/sdk';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Ago } from '../../components/ago.tsx';
import { Panel } from '../../components/panel.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { tellError } from '../../components/toast.tsx';
import { shortId } from '../../format/words.ts';
import { client } from '../../session/client.ts';
import { useSession } from '../../session/session.tsx';
import { submissionOf } from './from-spec.ts';

const LOOKED_AT = 50;
const SHOWN = 6;

/** What this user submitted lately, each spec once: a click fills the form with it. */
export function RecentSpecs({ onChoose }: { readonly onChoose: (submission: TaskSubmission) => void }) {
  const { user } = useSession();
  const { data: tasks } = useQuery({
    queryKey: ['tasks', 'recent', user],
    queryFn: async () => (await client.listTasks({ owner: user, limit: LOOKED_AT }).page()).items,
  });
  const choose = useMutation({
    mutationFn: async (task: string) => submissionOf(await client.getTask(task)),
    onSuccess: onChoose,
    onError: tellError,
  });
  return (
    <Panel title="Recent specs" flush>
      {tasks === undefined ? (
        <SkeletonRows rows={3} />
      ) : tasks.length === 0 ? (
        <p className="p-4 text-muted">What you submit is here the next time.</p>
      ) : (
        <ul className="divide-y">
          {distinct(tasks)
            .slice(0, SHOWN)
            .map((task) => (
              <li key={task.id}>
                <button
                  type="button"
                  onClick={() => choose.mutate(task.id)}
                  className="flex w-full items-center gap-3 px-4 py-2 text-left -outline-offset-2 hover:bg-hover"
                >
                  <span className="min-w-0 flex-1">
                    <span className="block truncate font-medium">{task.name ?? shortId(task.id)}</span>
                    <span className="block truncate text-small text-muted">{task.image}</span>
                  </span>
                  <span className="text-small text-faint">
                    <Ago at={task.submittedAt} />
                  </span>
                </button>
              </li>
            ))}
        </ul>
      )}
    </Panel>
  );
}

/** The list has no specs; name, image, command and request tell nearly all of them apart. */
function distinct(tasks: readonly TaskView[]): TaskView[] {
  const seen = new Set<string>();
  return tasks.filter(({ name, image, command, resources }) => {
    const key = JSON.stringify([name, image, command, resources]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
