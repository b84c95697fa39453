import type { TaskSubmission } from '@cloudai/sdk';
import { parseDocument, stringify } from 'yaml';
import { TextArea } from '../../components/field.tsx';

interface YamlEditorProps {
  readonly text: string;
  readonly onChange: (text: string) => void;
  readonly problem: string | null;
}

/** The same spec as text: what `cloudai submit -f` takes. */
export function YamlEditor({ text, onChange, problem }: YamlEditorProps) {
  return (
    <div className="rounded-lg border bg-surface p-4">
      <TextArea
        label="Spec"
        rows={24}
        value={text}
        onChange={({ target }) => onChange(target.value)}
        hint="The same file works with cloudai submit -f task.yaml"
        {...(problem === null ? {} : { error: problem })}
      />
    </div>
  );
}

export function yamlOf(submission: TaskSubmission): string {
  return stringify(submission);
}

export function parseYaml(text: string): { submission: TaskSubmission | null; problem: string | null } {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) return { submission: null, problem: error.message };
  const value: unknown = document.toJS();
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { submission: null, problem: 'A task is a mapping with at least an image.' };
  if (!('image' in value) || typeof value.image !== 'string')
    return { submission: null, problem: 'image is missing: the container to run.' };
  // The master validates every field, and says which one is to blame.
  return { submission: value as TaskSubmission, problem: null };
}
