import type { ApiError, ConnectionError } from '@cloudai/sdk';
import { CommanderError } from 'commander';
import { type ExitName, exitCode } from './exit-codes.ts';
import type { Output } from './output/output.ts';

/** An error that this program found itself. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: ExitName;
  /** What to do about it. */
  readonly remedy: string | null;

  constructor(exit: ExitName, message: string, remedy: string | null = null, options?: ErrorOptions) {
    super(message, options);
    this.exit = exit;
    this.remedy = remedy;
  }
}

export function usageError(message: string, remedy: string | null = null): CliError {
  return new CliError('usage', message, remedy);
}

interface Presented {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
  readonly requestId?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Shows an error to a person, or with `--json` to a program, and answers the exit code. */
export function presentError(error: unknown, out: Output, json: boolean): number {
  // Commander has said it already; help and version end this way too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode('ok') : exitCode('usage');
  if (isInterrupt(error)) return exitCode('interrupted');
  const { name, ...presented } = describe(error);
  if (json) {
    out.error(`${JSON.stringify({ error: presented })}\n`);
    return exitCode(name);
  }
  out.error(`${out.colors.red('error:')} ${presented.message}\n`);
  if (presented.remedy !== null) out.error(`  ${presented.remedy}\n`);
  if (name === 'defect' && presented.requestId) out.error(`  request ${presented.requestId}\n`);
  if (name === 'defect' && error instanceof Error && !isApiError(error)) out.error(`${error.stack}\n`);
  return exitCode(name);
}

/** What an interrupted command is aborted with. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

function isInterrupt(error: unknown): boolean {
  return error instanceof Interrupted || (error instanceof Error && error.cause instanceof Interrupted);
}

function describe(error: unknown): Presented & { readonly name: ExitName } {
  if (isApiError(error)) {
    const { code, message, requestId, details, remedy } = error;
    return { name: exitNameOf(error), code, message, remedy, requestId, details };
  }
  if (isConnectionError(error)) {
    return { name: 'unavailable', code: 'unreachable', message: error.message, remedy: remedyOf(error) };
  }
  if (error instanceof CliError) {
    return { name: error.exit, code: error.exit, message: error.message, remedy: error.remedy };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { name: 'defect', code: 'defect', message, remedy: 'This is a defect in cloudai. Please report it.' };
}

function remedyOf(error: ConnectionError): string {
  if (error.kind === 'tls') return "Put the cluster's certificate into the context: cloudai config set ca FILE";
  if (error.kind === 'lost') return 'Try again; if it stays so, see the log of the master.';
  return 'Start one with `cloudai dev` or `cloudai master`, or name another with --url (see `cloudai config show`).';
}

// By name: importing the client for `instanceof` would slow down every start.

function isApiError(error: unknown): error is ApiError {
  return error instanceof Error && error.name === 'ApiError';
}

function isConnectionError(error: unknown): error is ConnectionError {
  return error instanceof Error && error.name === 'ConnectionError';
}

function exitNameOf({ code, status }: ApiError): ExitName {
  if (code === 'internal') return 'defect';
  if (status === 401 || status === 403) return 'notAllowed';
  if (status === 404) return 'notFound';
  if (status === 409 || status === 429) return 'refused';
  return status === 408 || status >= 500 ? 'unavailable' : 'usage';
}
