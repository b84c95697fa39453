import fs from 'node:fs';
import path from 'node:path';
import { CliError } from './errors.ts';

/**
 * Makes a data directory and the folders above it, for this user alone. One at a time: Node's recursive `mkdir` never
 * returns where the parent exists and the file system says all the same that there is none, as /proc does (Node 24.21).
 */
export function makeDataFolder(folder: string): void {
  try {
    makeFolders(path.resolve(folder));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = `the data directory ${folder} can not be made (${code ?? String(cause)})`;
    throw new CliError('failure', why, 'Choose another one with --data FOLDER.', { cause });
  }
}

function makeFolders(folder: string): void {
  if (fs.existsSync(folder)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) makeFolders(parent);
  try {
    fs.mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Somebody else made it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
