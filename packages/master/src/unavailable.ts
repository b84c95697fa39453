/** Why the master could not take or finish a command. Nothing is known to have happened; a repeat is safe. */
export class Unavailable extends Error {
  /** A code of the error catalogue. */
  readonly code: 'unavailable' | 'store_full';

  constructor(code: Unavailable['code'], message: string) {
    super(message);
    this.name = 'Unavailable';
    this.code = code;
  }

  static storeFull(): Unavailable {
    return new Unavailable(
      'store_full',
      'the disk under the data directory of the master is full; running tasks, reads and cancels go on; free space and try again',
    );
  }
}
