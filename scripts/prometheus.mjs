// Debian's `prometheus` package brings promtool and the server that the monitoring tests run. They need nobody's service:
// what the package starts by itself is kept from starting.
import fs from 'node:fs';
import { tryAptInstall, which } from './docker.mjs';

/** Asked by Debian's packages before they start anything. */
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * True when `promtool` and `prometheus` are there, or could be installed.
 * @param {(line: string) => void} log
 */
export async function ensurePrometheus(log) {
  if (isThere()) return true;
  const isOurs = forbidStarts();
  try {
    await tryAptInstall('prometheus', log);
  } finally {
    if (isOurs) fs.rmSync(POLICY, { force: true });
  }
  return isThere();
}

function isThere() {
  return which('promtool') !== undefined && which('prometheus') !== undefined;
}

/** False where somebody has a policy already, or this user may not make one. */
function forbidStarts() {
  try {
    fs.writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}
