import type { TaskView, WorkerView } from '@cloudai/sdk';
import { useQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { Icon } from '../components/icon.tsx';
import { StateBadge } from '../components/state-badge.tsx';
import { shortId } from '../format/words.ts';
import { client } from '../session/client.ts';
import { PAGES, type SearchPage } from './pages.ts';

const PAUSE_MS = 120;
const MOST = { tasks: 8, workers: 5 };

type Hit =
  | { readonly kind: 'page'; readonly page: SearchPage }
  | { readonly kind: 'task'; readonly task: TaskView }
  | { readonly kind: 'worker'; readonly worker: WorkerView };

/** Everything by a few letters: pages, workers, tasks by name, image or id. */
export function SearchDialog({ onClose }: { readonly onClose: () => void }) {
  const element = useRef<HTMLDialogElement>(null);
  const list = useId();
  const router = useRouter();
  const [text, setText] = useState('');
  const [active, setActive] = useState(0);
  const { hits, isSearching } = useHits(text.trim());
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  const open = (hit: Hit) => {
    onClose();
    void router.navigate({ to: addressOf(hit) });
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) setActive((active + step + hits.length) % Math.max(1, hits.length));
    else if (event.key === 'Enter' && hits[active] !== undefined) open(hits[active]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      ref={element}
      aria-label="Search"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        if (event.target === element.current) onClose();
      }}
      className="mx-auto mt-[12vh] mb-auto w-[calc(100vw-32px)] max-w-xl rounded-lg border border-line-strong bg-raised p-0 text-ink shadow-float"
    >
      <div className="flex items-center gap-2.5 border-b px-4">
        <Icon name="search" className={isSearching ? 'pulse text-accent' : 'text-faint'} />
        <input
          autoFocus
          role="combobox"
          aria-expanded="true"
          aria-controls={list}
          aria-activedescendant={hits[active] === undefined ? undefined : `${list}-${active}`}
          aria-label="Search tasks, workers, pages"
          placeholder="Search tasks, workers, pages"
          value={text}
          onChange={({ target }) => {
            setText(target.value);
            setActive(0);
          }}
          onKeyDown={onKey}
          spellCheck={false}
          className="h-12 flex-1 bg-transparent text-section outline-none"
        />
      </div>
      <div id={list} role="listbox" aria-label="Results" className="max-h-[50vh] overflow-y-auto p-2">
        {hits.map((hit, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are handled by the field
          <div
            key={keyOf(hit)}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === active}
            onMouseMove={() => setActive(index)}
            onClick={() => open(hit)}
            className="flex h-9 cursor-pointer items-center gap-3 rounded-md px-2.5 aria-selected:bg-accent-soft"
          >
            <HitText hit={hit} />
          </div>
        ))}
        {hits.length === 0 && (
          <div className="px-2.5 py-3 text-muted">{isSearching ? 'Searching …' : 'Nothing found.'}</div>
        )}
      </div>
    </dialog>
  );
}

function useHits(text: string): { hits: Hit[]; isSearching: boolean } {
  const [asked, setAsked] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const { data, isFetching } = useQuery({
    queryKey: ['search', asked],
    queryFn: async () => {
      const [tasks, workers] = await Promise.all([
        client.listTasks({ q: asked, limit: MOST.tasks }).page(),
        client.listWorkers({ q: asked, limit: MOST.workers }).page(),
      ]);
      return { tasks: tasks.items, workers: workers.items };
    },
    enabled: asked !== '',
    placeholderData: (before) => before,
    staleTime: 2_000,
  });
  const word = text.toLowerCase();
  const pages = PAGES.filter(({ label }) => label.toLowerCase().includes(word)).map(
    (page): Hit => ({ kind: 'page', page }),
  );
  if (text === '') return { hits: pages, isSearching: false };
  const workers = (data?.workers ?? []).map((worker): Hit => ({ kind: 'worker', worker }));
  const tasks = (data?.tasks ?? []).map((task): Hit => ({ kind: 'task', task }));
  return { hits: [...workers, ...tasks, ...pages], isSearching: isFetching || asked !== text };
}

function keyOf(hit: Hit): string {
  return addressOf(hit);
}

function addressOf(hit: Hit): string {
  if (hit.kind === 'page') return hit.page.to;
  return hit.kind === 'task' ? `/tasks/${hit.task.id}` : `/workers/${hit.worker.id}`;
}

function HitText({ hit }: { readonly hit: Hit }) {
  if (hit.kind === 'page')
    return (
      <>
        <Icon name={hit.page.icon} className="text-faint" />
        <span className="flex-1 font-medium">{hit.page.label}</span>
        <span className="text-small text-muted">page</span>
      </>
    );
  if (hit.kind === 'worker')
    return (
      <>
        <Icon name="workers" className="text-faint" />
        <span className="flex-1 truncate font-medium">{hit.worker.id}</span>
        <StateBadge state={hit.worker.state} />
      </>
    );
  return (
    <>
      <Icon name="tasks" className="text-faint" />
      <span className="min-w-0 flex-1 truncate">
        <span className="font-medium">{hit.task.name ?? shortId(hit.task.id)}</span>{' '}
        <span className="text-small text-muted">
          {hit.task.name === null ? hit.task.image : `${shortId(hit.task.id)} · ${hit.task.image}`}
        </span>
      </span>
      <StateBadge state={hit.task.state} />
    </>
  );
}
