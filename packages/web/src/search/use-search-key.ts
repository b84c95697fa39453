import { useEffect, useRef } from 'react';

/** Ctrl-K, Cmd-K, and `/` outside of fields. */
export function useSearchKey(open: () => void): void {
  const current = useRef(open);
  current.current = open;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isField =
        event.target instanceof Element && event.target.matches('input, textarea, select, [contenteditable]');
      const isK = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey);
      if (!isK && !(event.key === '/' && !isField && !event.ctrlKey && !event.metaKey)) return;
      event.preventDefault();
      current.current();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}
