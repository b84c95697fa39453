import { TraceFolder } from '../traces/folder.ts';

/**
 * The recorded workloads, if this machine has them: tests that need them are left out otherwise, and this says so where
 * nobody can miss it. CI sets CLOUDAI_TRACES.
 */
export function recordedTraces(): TraceFolder | null {
  const folder = process.env.CLOUDAI_TRACES;
  if (folder !== undefined) return TraceFolder.open(folder);
  console.warn(
    '\n*** CLOUDAI_TRACES is not set: what is checked against recorded workloads is NOT checked here. ***\n',
  );
  return null;
}
