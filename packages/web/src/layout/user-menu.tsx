import { useMutation } from '@tanstack/react-query';
import { useId } from 'react';
import { Button } from '../components/button.tsx';
import { SelectField } from '../components/field.tsx';
import { tellError } from '../components/toast.tsx';
import { logOut, useSession } from '../session/session.tsx';
import { chooseTheme, type Theme, useTheme } from '../theme/theme.ts';

const THEMES = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
] as const;

export function UserMenu() {
  const { user, role, namespaces } = useSession();
  const theme = useTheme();
  const id = useId();
  const leave = useMutation({ mutationFn: logOut, onError: tellError });
  return (
    <>
      <button
        type="button"
        popoverTarget={id}
        aria-label={`Account of ${user}`}
        className="flex size-8 items-center justify-center rounded-full bg-accent-soft text-small font-semibold text-accent uppercase"
      >
        {user.slice(0, 2)}
      </button>
      <div
        id={id}
        popover="auto"
        className="fixed inset-auto top-12 right-3 m-0 w-60 flex-col gap-4 rounded-lg border border-line-strong bg-raised p-4 text-ink shadow-float [&:popover-open]:flex"
      >
        <div>
          <p className="font-semibold">{user}</p>
          <p className="text-muted">
            {role}
            {role === 'user' && namespaces.length > 0 && ` in ${namespaces.join(', ')}`}
          </p>
        </div>
        <SelectField
          label="Theme"
          options={THEMES}
          value={theme}
          onChange={(event) => chooseTheme(event.target.value as Theme)}
        />
        <Button icon="logout" busy={leave.isPending} onClick={() => leave.mutate()}>
          Log out
        </Button>
      </div>
    </>
  );
}
