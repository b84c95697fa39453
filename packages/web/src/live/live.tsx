/** The one watch of the page, and whether what is on screen is current. */
import { ApiError, type Watch, type WatchFilter, type WatchState, type WatchUpdate } from '@cloudai/sdk';
import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, use, useEffect, useRef, useState } from 'react';
import { client } from '../session/client.ts';
import { SESSION_KEY } from '../session/keys.ts';

type Topic = Parameters<Watch['subscribe']>[0];

export interface Live {
  readonly watch: Watch | null;
  readonly state: WatchState;
  /** Since when nothing new was heard, Unix ms; null while it is live. */
  readonly staleSince: number | null;
}

const Context = createContext<Live>({ watch: null, state: 'connecting', staleSince: null });

export function useLive(): Live {
  return use(Context);
}

export function LiveUpdates({ children }: { readonly children: ReactNode }) {
  const cache = useQueryClient();
  const [live, setLive] = useState<Live>({ watch: null, state: 'connecting', staleSince: null });
  useEffect(() => {
    let wasStale = false;
    const watch: Watch = client.watch({
      onState: (state) => {
        setLive((before) => ({
          watch,
          state,
          staleSince: state === 'live' ? null : (before.staleSince ?? Date.now()),
        }));
        if (state === 'stale') wasStale = true;
        // Subscriptions go on where they were; what is only asked for now and then is asked for anew.
        if (state === 'live' && wasStale) void cache.invalidateQueries({ predicate: isNotSession });
        if (state === 'closed' && watch.error instanceof ApiError && watch.error.code === 'unauthenticated')
          cache.setQueryData(SESSION_KEY, null);
      },
    });
    setLive({ watch, state: watch.state, staleSince: null });
    return watch.close;
  }, [cache]);
  return <Context value={live}>{children}</Context>;
}

function isNotSession({ queryKey }: { readonly queryKey: readonly unknown[] }): boolean {
  return queryKey[0] !== SESSION_KEY[0];
}

/** Hears of a topic as long as the component is there; `null` waits for the filter. */
export function useTopic<T extends Topic>(
  topic: T,
  filter: WatchFilter<T> | null,
  onUpdate: (update: WatchUpdate<T>) => void,
): void {
  const { watch } = useLive();
  const listener = useRef(onUpdate);
  useEffect(() => {
    listener.current = onUpdate;
  });
  const request = filter === null ? null : JSON.stringify(filter);
  useEffect(() => {
    if (watch === null || request === null) return;
    const subscription = watch.subscribe<T>(topic, JSON.parse(request) as WatchFilter<T>, (update) =>
      listener.current(update),
    );
    return subscription.unsubscribe;
  }, [watch, topic, request]);
}
