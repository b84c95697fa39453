import type { ArtifactView, TaskView } from '@cloudai/sdk';
import { buttonClass } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { Icon } from '../../components/icon.tsx';
import { Empty } from '../../components/note.tsx';
import { bytes } from '../../format/bytes.ts';
import { artifactAddress } from '../../session/addresses.ts';

interface ArtifactListProps {
  readonly task: TaskView;
  readonly artifacts: readonly ArtifactView[];
}

export function ArtifactList({ task, artifacts }: ArtifactListProps) {
  if (artifacts.length === 0)
    return (
      <div className="rounded-lg border bg-surface">
        <Empty icon="file" title={task.endedAt === null ? 'No files yet' : 'The task left no files'}>
          What a task writes to <code className="font-mono text-ink">/output</code> is kept here when it ends.
        </Empty>
      </div>
    );
  return (
    <ul className="divide-y rounded-lg border bg-surface">
      {artifacts.map(({ path, sizeBytes, digest, attempt }) => (
        <li key={`${attempt}/${path}`} className="flex items-center gap-3 px-4 py-2">
          <Icon name="file" className="text-faint" />
          <div className="min-w-0 flex-1">
            <p className="truncate font-medium" title={path}>
              {path}
            </p>
            <p className="flex items-center text-small text-muted">
              {bytes(sizeBytes)} · attempt {attempt} ·&nbsp;
              <code className="truncate font-mono" title={digest}>
                {digest.slice(0, 19)}…
              </code>
            </p>
          </div>
          <CopyButton text={digest} label="Copy the digest" />
          <a href={artifactAddress(task.id, path, attempt)} download className={buttonClass('secondary')}>
            <Icon name="download" />
            <span className="max-sm:sr-only">Download</span>
          </a>
        </li>
      ))}
    </ul>
  );
}
