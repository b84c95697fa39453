/** Puts what comes within a moment together, so that a busy cluster costs a page few changes a second. */
import { useEffect, useRef } from 'react';

const TOGETHER_MS = 200;

/** Answers a function that takes an entry; `flush` gets the newest of each key, at most five times a second. */
export function useGather<T>(flush: (gathered: ReadonlyMap<string, T>) => void): (key: string, value: T) => void {
  const gathered = useRef(new Map<string, T>());
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const current = useRef(flush);
  useEffect(() => {
    current.current = flush;
  });
  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = null;
      gathered.current.clear();
    },
    [],
  );
  return (key, value) => {
    gathered.current.set(key, value);
    timer.current ??= setTimeout(() => {
      const entries = gathered.current;
      gathered.current = new Map();
      timer.current = null;
      current.current(entries);
    }, TOGETHER_MS);
  };
}
