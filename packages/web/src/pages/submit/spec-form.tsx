import type { TaskPreview } from '@cloudai/sdk';
import type { ReactNode } from 'react';
import { SelectField, TextArea, TextField } from '../../components/field.tsx';
import { useWorkers } from '../../live/use-workers.ts';
import type { Draft } from './draft.ts';

interface SpecFormProps {
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
  readonly error: TaskPreview['error'];
}

type TextName = Exclude<keyof Draft, 'rest'>;

export function SpecForm({ draft, onChange, error }: SpecFormProps) {
  const { rows: workers } = useWorkers();
  const field = (name: TextName, path: string = name) => ({
    name,
    value: draft[name],
    onChange: ({ target }: { target: { value: string } }) => onChange({ ...draft, [name]: target.value }),
    ...(error?.field != null && (error.field === path || error.field.startsWith(`${path}.`))
      ? { error: error.message }
      : {}),
  });
  return (
    <div className="flex flex-col gap-4">
      <Group title="What runs">
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label="Image" required placeholder="python:3.12" {...field('image')} />
          <TextField label="Name" placeholder="for people, optional" {...field('name')} />
        </div>
        <div className="grid gap-4 sm:grid-cols-[1fr_180px]">
          <TextArea
            label="Command"
            rows={3}
            placeholder="python train.py --epochs 10"
            hint="Without one, the image decides."
            {...field('command')}
          />
          <SelectField
            label="Is"
            options={[
              ['shell', 'a line for the shell'],
              ['arguments', 'one argument a line'],
            ]}
            {...field('commandKind')}
          />
        </div>
        <TextArea label="Environment" rows={2} placeholder={'KEY=value\nANOTHER=value'} {...field('env')} />
      </Group>
      <Group title="What it needs">
        <div className="grid grid-cols-2 gap-4 sm:grid-cols-4">
          <TextField label="CPU" placeholder="1" hint="2, 0.5, 500m" {...field('cpu', 'resources.cpu')} />
          <TextField label="Memory" placeholder="512Mi" hint="512Mi, 2Gi" {...field('memory', 'resources.memory')} />
          <TextField label="Storage" placeholder="1Gi" hint="10Gi" {...field('storage', 'resources.storage')} />
          <TextField label="GPU" placeholder="0" hint="1, 0.5" {...field('gpu', 'resources.gpu')} />
        </div>
      </Group>
      <Group title="Where and when" isOptional>
        <div className="grid gap-4 sm:grid-cols-2">
          <SelectField
            label="Worker"
            options={[['', 'any'], ...(workers ?? []).map(({ id, state }) => [id, `${id} (${state})`] as const)]}
            {...field('worker')}
          />
          <TextField label="Only workers with" placeholder="zone=b, disk=ssd" {...field('selector')} />
          <TextField
            label="Priority"
            inputMode="numeric"
            placeholder="50"
            hint="0 to 100, larger goes first"
            {...field('priority')}
          />
          <TextField label="After these tasks" placeholder="ids, separated by commas" {...field('dependsOn')} />
          <TextField label="Wished end" type={localTime(draft.deadline)} {...field('deadline')} />
          <TextField label="Not before" type={localTime(draft.startAfter)} {...field('startAfter')} />
        </div>
      </Group>
      <Group title="How it ends, how it is run" isOptional>
        <div className="grid gap-4 sm:grid-cols-3">
          <TextField label="Longest run" placeholder="1h30m" {...field('timeout')} />
          <TextField label="Longest wait" placeholder="10m" {...field('queueTimeout')} />
          <TextField label="Retries" inputMode="numeric" placeholder="0" {...field('retries', 'retry')} />
          <SelectField
            label="Profile"
            options={[
              ['', 'standard'],
              ['restricted', 'restricted: no network, read-only'],
            ]}
            {...field('profile')}
          />
          <SelectField
            label="Network"
            options={[
              ['', 'as the profile says'],
              ['bridge', 'bridge'],
              ['none', 'none'],
            ]}
            {...field('network')}
          />
          <SelectField
            label="Pull the image"
            options={[
              ['', 'when it is missing'],
              ['always', 'always'],
              ['never', 'never'],
            ]}
            {...field('pull')}
          />
        </div>
        <TextField label="Labels" placeholder="team=vision, stage=test" {...field('labels')} />
      </Group>
    </div>
  );
}

/** A time that came with a zone, as text from YAML does, is left as it is. */
function localTime(value: string): string {
  return value === '' || /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(value) ? 'datetime-local' : 'text';
}

function Group({
  title,
  isOptional = false,
  children,
}: {
  readonly title: string;
  readonly isOptional?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <fieldset className="flex min-w-0 flex-col gap-4 rounded-lg border bg-surface p-4">
      <legend className="float-left mb-0 w-full font-semibold">
        {title}
        {isOptional && <span className="font-normal text-muted"> · optional</span>}
      </legend>
      {children}
    </fieldset>
  );
}
