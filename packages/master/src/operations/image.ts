/**
 * Image references as Docker reads them: `[registry[:port]/]path[:tag][@digest]`. Checked before the task is queued, so
 * that a typing error shows at submit and not minutes later on a worker.
 */
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const DOMAIN =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^[a-z][a-z0-9]*(?:[-_+.][a-z][a-z0-9]*)*:[0-9a-f]{32,}$/;
/** Docker's limit on registry and path together. */
const MAX_NAME = 255;

/** What is wrong with the reference, or null. */
export function imageProblem(reference: string): string | null {
  if (reference === '') return 'is empty; name an image such as ubuntu:24.04';
  if (/\s/.test(reference)) return 'contains white space';
  const [named, digest, ...further] = reference.split('@') as [string, ...string[]];
  if (further.length > 0) return 'has more than one @';
  if (digest !== undefined && !DIGEST.test(digest))
    return 'has a malformed digest; expected @sha256: and 64 hexadecimal digits';
  if (digest?.startsWith('sha256:') && digest.length !== 'sha256:'.length + 64)
    return 'has a malformed digest; expected @sha256: and 64 hexadecimal digits';

  // A colon before the last slash belongs to the registry's port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const name = colon === -1 ? named : named.slice(0, colon);
  if (colon !== -1 && !TAG.test(named.slice(colon + 1)))
    return 'has a malformed tag; expected up to 128 letters, digits, dots, dashes and underscores after the colon';
  return nameProblem(name);
}

function nameProblem(name: string): string | null {
  if (name === '') return 'has no name before the tag or digest';
  if (name.length > MAX_NAME) return `has a name of ${name.length} characters; at most ${MAX_NAME} are allowed`;
  const components = name.split('/');
  const first = components[0]!;
  const hasDomain =
    components.length > 1 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  if (hasDomain) {
    if (!DOMAIN.test(first)) return `has a malformed registry: ${printable(first)}`;
    components.shift();
  }
  for (const component of components) {
    if (component === '') return 'has an empty part between slashes';
    if (component !== component.toLowerCase())
      return `must be lower case: write ${printable(component.toLowerCase())} instead of ${printable(component)}`;
    if (!COMPONENT.test(component))
      return `has a malformed part: ${printable(component)}; letters, digits and single separators (. _ __ -) are allowed`;
  }
  if (/^[0-9a-f]{64}$/.test(name)) return 'looks like an image id; name the image, or use name@sha256:...';
  return null;
}

function printable(text: string): string {
  return text.slice(0, 60).replace(/[^\x20-\x7e]/g, '?');
}
