import { useEffect, useRef } from 'react';
import { IconButton } from '../components/button.tsx';
import { Navigation } from './navigation.tsx';

/** The pages, on screens too narrow to show them all the time. */
export function NavigationDrawer({ onClose }: { readonly onClose: () => void }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      aria-label="Pages"
      onCancel={onClose}
      onMouseDown={(event) => {
        if (event.target === element.current) onClose();
      }}
      className="m-0 h-dvh max-h-none w-64 border-r bg-surface p-0 text-ink"
    >
      <div className="flex flex-col gap-2 p-3">
        <IconButton icon="close" label="Close" onClick={onClose} className="self-end" />
        <Navigation onNavigate={onClose} />
      </div>
    </dialog>
  );
}
