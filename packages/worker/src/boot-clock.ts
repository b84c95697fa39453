/**
 * Time that outlives this process and never jumps: ms since the machine was booted, good for as long as it is the same
 * boot. It stands still while the machine is suspended, as its processes do.
 */
import { readFileSync } from 'node:fs';

export interface BootClock {
  /** Tells one boot from all others; null where the system does not say. */
  readonly bootId: string | null;
  now(): number;
}

/** On Linux the origin of `hrtime` is the boot; elsewhere it is not promised, and there no boot has an id either. */
export function systemBootClock(bootIdFile = '/proc/sys/kernel/random/boot_id'): BootClock {
  return { bootId: readBootId(bootIdFile), now: () => Number(process.hrtime.bigint() / 1_000n) / 1_000 };
}

function readBootId(file: string): string | null {
  try {
    return readFileSync(file, 'latin1').trim() || null;
  } catch {
    return null; // Not Linux, or hidden from this process.
  }
}
