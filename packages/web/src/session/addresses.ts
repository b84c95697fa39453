/** Addresses of the API that the browser fetches by itself: downloads go through no script. */
export function artifactAddress(task: string, path: string, attempt: number): string {
  const file = path.split('/').map(encodeURIComponent).join('/');
  return `/api/v1/tasks/${encodeURIComponent(task)}/artifacts/${file}?attempt=${attempt}`;
}

export function logAddress(
  task: string,
  { attempt, stream }: { readonly attempt: number | 'all'; readonly stream: 'all' | 'stdout' | 'stderr' },
): string {
  const query = new URLSearchParams({ format: 'text', attempt: String(attempt) });
  if (stream !== 'all') query.set('stream', stream);
  return `/api/v1/tasks/${encodeURIComponent(task)}/logs?${query}`;
}
