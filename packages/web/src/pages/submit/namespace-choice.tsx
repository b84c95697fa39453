import { useQuery } from '@tanstack/react-query';
import { SelectField } from '../../components/field.tsx';
import { client } from '../../session/client.ts';

const MOST = 1_000;

interface NamespaceChoiceProps {
  /** Empty: where the master puts it. */
  readonly value: string;
  readonly onChange: (namespace: string) => void;
}

/** Where the task belongs; only for those who have a choice. */
export function NamespaceChoice({ value, onChange }: NamespaceChoiceProps) {
  const { data } = useQuery({ queryKey: ['namespaces'], queryFn: () => client.listNamespaces().take(MOST) });
  if (data === undefined || data.length < 2) return null;
  return (
    <div className="mt-4">
      <SelectField
        label="Namespace"
        value={value}
        onChange={({ target }) => onChange(target.value)}
        options={[['', 'your first one'], ...data.map(({ name }) => [name, name] as const)]}
      />
    </div>
  );
}
