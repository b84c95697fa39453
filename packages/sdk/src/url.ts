export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** `/tasks/{task}/artifacts/{path}` with its values. `path` keeps its slashes; everything else is one segment. */
export function fillPath(template: string, params: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined || value === '') throw new TypeError(`${name} must not be empty`);
    return name === 'path' ? value.split('/').map(encodeSegment).join('/') : encodeSegment(value);
  });
}

/** A lone `.` or `..` would be resolved as a folder before it is sent. */
function encodeSegment(value: string): string {
  return encodeURIComponent(value).replace(/^\.{1,2}$/, (dots) => dots.replaceAll('.', '%2E'));
}

/** With the question mark; empty when nothing is set. Lists are comma-separated. */
export function queryString(query: Query): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    parts.set(name, Array.isArray(value) ? value.join(',') : String(value));
  }
  const text = parts.toString();
  return text === '' ? '' : `?${text}`;
}
