/** What a failed create or start means for the attempt. */
import { RuntimeError } from '../runtime.ts';
import { type DockerError, DockerUnreachable } from './client.ts';

const CANNOT_RUN_EXIT = 126;
const NOT_FOUND_EXIT = 127;

/** Without an answer nobody knows whether the process runs: that is no failure of the start, and is passed on as it is. */
export function startError(error: unknown): Error {
  if (error instanceof RuntimeError || error instanceof DockerUnreachable) return error;
  return new RuntimeError('start_error', `Docker could not start the container: ${(error as Error).message}`, {
    cause: error,
  });
}

/** Of a start that Docker answered with an error; `exitCode` is what it noted in the container. */
export function startFailure(error: DockerError, exitCode: number): Error {
  const cannotRun = exitCode === CANNOT_RUN_EXIT || exitCode === NOT_FOUND_EXIT;
  if (!cannotRun && !/unable to find (user|group)|no matching entries in/i.test(error.message))
    return startError(error);
  const code = exitCode === NOT_FOUND_EXIT ? NOT_FOUND_EXIT : CANNOT_RUN_EXIT;
  return new RuntimeError('command_error', error.message, { cause: error, exitCode: code });
}
