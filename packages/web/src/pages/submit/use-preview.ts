import type { TaskPreview, TaskSubmission } from '@cloudai/sdk';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { client } from '../../session/client.ts';

/** Typing is quiet for so long before the master is asked. */
const PAUSE_MS = 300;
/** The cluster moves on while somebody thinks. */
const AGAIN_MS = 5_000;

export interface Preview {
  readonly preview: TaskPreview | undefined;
  readonly error: Error | null;
  /** Whether the answer is about what is in the form now. */
  readonly isCurrent: boolean;
}

/** What the master says about a submission that is not sent yet. */
export function usePreview(submission: TaskSubmission | null, namespace: string): Preview {
  const wanted = submission === null || submission.image === '' ? null : JSON.stringify(submission);
  const [asked, setAsked] = useState(wanted);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(wanted), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [wanted]);
  const { data, error, isPlaceholderData } = useQuery({
    queryKey: ['preview', asked, namespace],
    queryFn: ({ signal }) =>
      client.validateTask(JSON.parse(asked!) as TaskSubmission, { signal, ...(namespace === '' ? {} : { namespace }) }),
    enabled: asked !== null,
    refetchInterval: AGAIN_MS,
    placeholderData: (before) => before,
    gcTime: 0,
  });
  return { preview: wanted === null ? undefined : data, error, isCurrent: asked === wanted && !isPlaceholderData };
}
