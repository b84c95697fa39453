/** Errors of the processes and of their stores, which know what to do about themselves, as this program's own. */
import { CliError } from './errors.ts';
import type { ExitName } from './exit-codes.ts';

const EXITS: Readonly<Record<string, ExitName>> = {
  port_taken: 'unavailable',
  address_unavailable: 'unavailable',
  not_initialised: 'notFound',
  already_initialised: 'refused',
  store_missing: 'notFound',
  store_exists: 'refused',
  store_locked: 'refused',
  store_full: 'unavailable',
  invalid: 'usage',
};

/** By name and code, because the packages that throw them are loaded by few commands only. */
export function toCliError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CliError) return error;
  const { code } = error as { code?: unknown };
  if (error.name === 'ConfigError') return new CliError('usage', error.message, null, { cause: error });
  if (error.name === 'StartError' || error.name === 'StoreError') {
    return new CliError(EXITS[String(code)] ?? 'failure', error.message, null, { cause: error });
  }
  if (error.name === 'JoinRefused') return new CliError('notAllowed', error.message, null, { cause: error });
  return error;
}
