import fs from 'node:fs';
import path from 'node:path';

/** The commit that these sources are of, for the record beside a figure; null outside a checkout. */
export function sourceCommit(from = import.meta.dirname): string | null {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const git = path.join(folder, '.git');
    if (fs.statSync(git, { throwIfNoEntry: false })?.isDirectory() === true) return headOf(git);
    if (path.dirname(folder) === folder) return null;
  }
}

function headOf(git: string): string | null {
  const head = fs.readFileSync(path.join(git, 'HEAD'), 'utf8').trim();
  const reference = /^ref: (.+)$/.exec(head)?.[1];
  if (reference === undefined) return head;
  const file = path.join(git, reference);
  if (fs.existsSync(file)) return fs.readFileSync(file, 'utf8').trim();
  const packed = path.join(git, 'packed-refs');
  const lines = fs.existsSync(packed) ? fs.readFileSync(packed, 'utf8').split('\n') : [];
  return lines.find((line) => line.endsWith(` ${reference}`))?.split(' ')[0] ?? null;
}
