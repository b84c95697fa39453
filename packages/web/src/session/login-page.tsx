import { type FormEvent, useEffect, useState } from 'react';
import { Button } from '../components/button.tsx';
import { TextField } from '../components/field.tsx';
import { ErrorNote } from '../components/note.tsx';
import { Mark } from '../layout/mark.tsx';
import { forget, logIn } from './session.tsx';

export function LoginPage() {
  const [token, setToken] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  useEffect(forget, []);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await logIn(token.trim());
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="flex min-h-full items-center justify-center p-4">
      <title>Log in · CloudAI</title>
      <form
        onSubmit={(event) => void submit(event)}
        className="flex w-full max-w-sm flex-col gap-4 rounded-lg border bg-surface p-6"
      >
        <div className="flex items-center gap-3">
          <Mark />
          <h1 className="text-page font-semibold tracking-tight">Log in to CloudAI</h1>
        </div>
        {/* Password managers keep the token beside this name. */}
        <input type="text" name="username" value="cloudai" autoComplete="username" readOnly hidden />
        <TextField
          label="Token"
          type="password"
          name="token"
          autoComplete="current-password"
          required
          autoFocus
          value={token}
          onChange={(event) => setToken(event.target.value)}
          hint={
            <>
              Or run <code className="font-mono text-ink">cloudai dashboard</code>, which opens this page logged in.
            </>
          }
        />
        {error !== null && <ErrorNote error={error} />}
        <Button kind="primary" type="submit" busy={busy} disabled={token.trim() === ''}>
          Log in
        </Button>
      </form>
    </main>
  );
}
