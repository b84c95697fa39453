// One process at a time, across processes, with no dependencies: the file holds the owner's pid, so a lock left behind by a
// killed process is recognised and taken over.
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 250;

/**
 * Runs `body` while holding the lock file. `onWait` is called once, with the owner's pid, if another process holds it.
 * @template T
 * @param {string} file
 * @param {(pid: number) => void} onWait
 * @param {() => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function withLock(file, onWait, body) {
  let waited = false;
  while (!tryLock(file)) {
    const owner = readOwner(file);
    if (owner === undefined) continue;
    if (!isAlive(owner)) {
      removeStale(file, owner);
      continue;
    }
    if (!waited) onWait(owner);
    waited = true;
    await sleep(POLL_MS);
  }
  try {
    return await body();
  } finally {
    fs.rmSync(file, { force: true });
  }
}

/** @param {string} file */
function tryLock(file) {
  // Written aside and linked into place: whoever sees the lock also sees its owner.
  const mine = `${file}.${process.pid}`;
  fs.writeFileSync(mine, String(process.pid));
  try {
    fs.linkSync(mine, file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(mine, { force: true });
  }
}

/** @param {string} file */
function readOwner(file) {
  try {
    return Number(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined; // Released between our attempt and this look.
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Two waiters may find the same dead owner; the slower one must not remove the lock that the faster one has taken since.
 * @param {string} file
 * @param {number} deadOwner
 */
function removeStale(file, deadOwner) {
  const aside = `${file}.stale.${process.pid}`;
  try {
    fs.renameSync(file, aside);
  } catch {
    return; // Someone else removed it.
  }
  if (readOwner(aside) !== deadOwner) {
    try {
      fs.linkSync(aside, file);
    } catch {
      // Taken again meanwhile; npm and apt keep locks of their own for this sliver of a chance.
    }
  }
  fs.rmSync(aside, { force: true });
}
