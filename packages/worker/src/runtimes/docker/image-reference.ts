/** A reference to an image, as people write it: `busybox`, `ghcr.io/owner/name:1.2`, `name@sha256:...`. */
export interface ImageReference {
  /** What to ask the registry for, without tag or digest: `busybox`, `ghcr.io/owner/name`. */
  readonly name: string;
  readonly tag: string | null;
  readonly digest: string | null;
  /** `docker.io`, `ghcr.io`, `localhost:5000`. */
  readonly registry: string;
}

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const REGISTRY = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?\.?)+(?::[0-9]+)?$|^\[[0-9a-fA-F:]+\](?::[0-9]+)?$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MAX_NAME = 255;

/** Null when the text is not a reference; Docker's own grammar. */
export function parseImageReference(text: string): ImageReference | null {
  const [beforeDigest = '', digest = null, ...more] = text.split('@');
  if (more.length > 0 || (digest !== null && !DIGEST.test(digest))) return null;
  const lastSlash = beforeDigest.lastIndexOf('/');
  const colon = beforeDigest.indexOf(':', lastSlash + 1);
  const name = colon === -1 ? beforeDigest : beforeDigest.slice(0, colon);
  const tag = colon === -1 ? null : beforeDigest.slice(colon + 1);
  if (name === '' || name.length > MAX_NAME || (tag !== null && !TAG.test(tag))) return null;
  const parts = name.split('/');
  const first = parts[0]!;
  const hasRegistry = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost');
  if (hasRegistry && !REGISTRY.test(first)) return null;
  const components = hasRegistry ? parts.slice(1) : parts;
  if (!components.every((part) => COMPONENT.test(part))) return null;
  return { name, tag, digest, registry: hasRegistry ? first : 'docker.io' };
}

/** The name by which a pinned image is asked for. */
export function atDigest(reference: ImageReference, digest: string): string {
  return `${reference.name}@${digest}`;
}

/** `name` as Docker writes it into RepoDigests, which leaves `docker.io/library/` out. */
export function familiarName(reference: ImageReference): string {
  return reference.name.replace(/^(?:index\.)?docker\.io\/(?:library\/)?/, '');
}
