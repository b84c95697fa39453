/** Why a master can not start here and now: what was found, and what to do. The process shows the message and exits. */
export type StartErrorCode =
  | 'not_initialised'
  | 'already_initialised'
  | 'invalid'
  | 'port_taken'
  | 'address_unavailable'
  | 'foreign_store';

export class StartError extends Error {
  readonly code: StartErrorCode;

  constructor(code: StartErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StartError';
    this.code = code;
  }
}
