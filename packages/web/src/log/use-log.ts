/** A log as it comes in. Reads on over broken connections and restarts of the master. */
import { ConnectionError, type LogQuery } from '@cloudai/sdk';
import { useEffect, useRef, useState } from 'react';
import { client } from '../session/client.ts';
import { LogBuffer } from './log-buffer.ts';

/** Lines that arrive within this time are shown together. */
const PAINT_MS = 50;
const AGAIN_MS = 2_000;

export interface LogState {
  readonly buffer: LogBuffer;
  /** Grows with every change of the buffer. */
  readonly version: number;
  readonly error: unknown;
  /** Something was read, or it is known that there is nothing yet. */
  readonly isConnected: boolean;
}

export type LogFilter = Pick<LogQuery, 'attempt' | 'stream' | 'grep' | 'regex' | 'tail' | 'since'>;

export function useLog(task: string, filter: LogFilter): LogState {
  const [state, setState] = useState<LogState>(() => fresh());
  const query = JSON.stringify(filter);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => {
    const controller = new AbortController();
    stop.current = controller;
    setState(fresh());
    void follow(task, JSON.parse(query) as LogFilter, controller.signal, setState);
    return () => controller.abort();
  }, [task, query]);
  return state;
}

function fresh(): LogState {
  return { buffer: new LogBuffer(), version: 0, error: null, isConnected: false };
}

async function follow(
  task: string,
  filter: LogFilter,
  signal: AbortSignal,
  show: (state: LogState) => void,
): Promise<void> {
  let version = 0;
  while (!signal.aborted) {
    const buffer = new LogBuffer();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const paint = (error: unknown = null, isConnected = true) => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      if (!signal.aborted) show({ buffer, version: ++version, error, isConnected });
    };
    // An empty log says nothing until the task does.
    timer = setTimeout(() => paint(null, true), 1_000);
    try {
      for await (const record of client.readLogs(task, { ...filter, follow: true }, { signal })) {
        buffer.push(record);
        timer ??= setTimeout(() => paint(), PAINT_MS);
      }
      return paint();
    } catch (error) {
      if (signal.aborted) return;
      paint(error);
      if (!(error instanceof ConnectionError)) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
