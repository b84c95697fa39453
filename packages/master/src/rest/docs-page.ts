/**
 * The OpenAPI document as a page to read: plain HTML, made once at start from the same document, so it works without a
 * network, without scripts and under the strictest policy. It holds nothing secret and needs no token.
 */
import type { FastifyInstance } from 'fastify';

const DOCS_PATH = '/api/docs';
const STYLE_PATH = '/api/docs/style.css';
export const DOCS_PATHS: readonly string[] = [DOCS_PATH, STYLE_PATH];

const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'no-cache',
} as const;

type Json = Readonly<Record<string, unknown>>;

export function addDocs(app: FastifyInstance, document: Json): void {
  const page = render(document);
  app.get(DOCS_PATH, (_request, reply) => reply.headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(page));
  app.get(STYLE_PATH, (_request, reply) => reply.headers(PAGE_HEADERS).type('text/css; charset=utf-8').send(STYLE));
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly tag: string;
  readonly value: Json;
}

function render(document: Json): string {
  const info = document.info as Json;
  const operations = operationsOf(document);
  const tags = (document.tags as readonly { readonly name: string }[]).map(({ name }) => name);
  const schemas = Object.entries((document.components as Json).schemas as Record<string, Json>);
  const sections = tags.map((tag) => {
    const own = operations.filter((operation) => operation.tag === tag);
    return `<h2 id="${anchor(tag)}">${text(tag)}</h2>${own.map(operationHtml).join('')}`;
  });
  const index = tags.map((tag) => {
    const own = operations.filter((operation) => operation.tag === tag);
    return `<li><a href="#${anchor(tag)}">${text(tag)}</a><ul>${own.map(linkHtml).join('')}</ul></li>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>CloudAI API</title>
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<nav aria-label="Operations"><p><strong>CloudAI API</strong> ${text(String(info.version))}</p><ul>${index.join('')}
<li><a href="#schemas">Schemas</a></li></ul></nav>
<main>
<h1>CloudAI API</h1>
<p>${prose(String(info.description))} The same as a document for machines: <a href="/api/v1/openapi.json">openapi.json</a>.</p>
<p>Send a token with each request: <code>Authorization: Bearer &lt;token&gt;</code>. Every refusal has one form,
<a href="#schema-Error">Error</a>.</p>
${sections.join('\n')}
<h2 id="schemas">Schemas</h2>
${schemas.map(([name, schema]) => `<h3 id="schema-${anchor(name)}">${text(name)}</h3>${schemaHtml(schema)}`).join('\n')}
</main>
</body>
</html>
`;
}

function operationsOf(document: Json): Operation[] {
  return Object.entries(document.paths as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, value]) => ({
      method: method.toUpperCase(),
      path,
      id: String(value.operationId),
      tag: String((value.tags as readonly string[])[0]),
      value,
    })),
  );
}

function linkHtml({ id, method, path }: Operation): string {
  return `<li><a href="#${anchor(id)}"><span class="method">${method}</span> ${text(path)}</a></li>`;
}

function operationHtml({ id, method, path, value }: Operation): string {
  const parameters = (value.parameters ?? []) as readonly Json[];
  const body = value.requestBody as { content: Record<string, { schema: Json }>; required?: boolean } | undefined;
  const responses = Object.entries(value.responses as Record<string, Json>);
  return `<article id="${anchor(id)}">
<h3><span class="method">${method}</span> <code>${text(path)}</code></h3>
<p>${prose(String(value.summary))}.${value.deprecated === true ? ` <em>${prose(String(value.description))}</em>` : ''}
<span class="id">${text(id)}</span></p>
${
  parameters.length === 0
    ? ''
    : table(
        ['Parameter', 'In', 'Type', ''],
        parameters.map(({ name, in: place, required, schema, description }) => [
          `<code>${text(String(name))}</code>${required === true ? ' <b>required</b>' : ''}`,
          text(String(place)),
          typeHtml(schema as Json),
          prose(String(description ?? '')),
        ]),
      )
}
${Object.entries(body?.content ?? {})
  .map(([type, { schema }]) => `<h4>Body <small>${text(type)}</small></h4>${schemaHtml(schema)}`)
  .join('')}
<h4>Answers</h4>
${table(
  ['Status', 'Body', ''],
  responses.map(([status, response]) => [
    text(status),
    Object.entries((response.content ?? {}) as Record<string, { schema: Json }>)
      .map(([type, { schema }]) => (type === 'application/json' ? typeHtml(schema) : text(type)))
      .join(', '),
    prose(String(response.description)),
  ]),
)}
</article>
`;
}

/** The properties of an object as a table; anything else in one line. */
function schemaHtml(schema: Json): string {
  const { properties, required = [] } = schema as { properties?: Record<string, Json>; required?: readonly string[] };
  const about = typeof schema.description === 'string' ? `<p>${prose(schema.description)}</p>` : '';
  if (properties === undefined) return `${about}<p>${typeHtml(schema)}</p>`;
  return (
    about +
    table(
      ['Field', 'Type', ''],
      Object.entries(properties).map(([name, property]) => [
        `<code>${text(name)}</code>${required.includes(name) ? ' <b>required</b>' : ''}`,
        typeHtml(property),
        prose(String(property.description ?? '')),
      ]),
    )
  );
}

/** How deep the types of inner objects are written out. */
const MOST_LEVELS = 3;

function typeHtml(schema: Json, level = 0): string {
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.split('/').at(-1)!;
    return `<a href="#schema-${anchor(name)}">${text(name)}</a>`;
  }
  if (Array.isArray(schema.enum))
    return schema.enum.map((word) => `<code>${text(JSON.stringify(word))}</code>`).join(' | ');
  if ('const' in schema) return `<code>${text(JSON.stringify(schema.const))}</code>`;
  if (Array.isArray(schema.anyOf)) return schema.anyOf.map((one) => typeHtml(one as Json, level)).join(' | ');
  if (schema.type === 'array') return `list of ${typeHtml((schema.items ?? {}) as Json, level)}${boundsHtml(schema)}`;
  if (schema.type === 'object' && schema.properties !== undefined && level < MOST_LEVELS) {
    const inner = Object.entries(schema.properties as Record<string, Json>).map(
      ([name, property]) => `<code>${text(name)}</code>: ${typeHtml(property, level + 1)}`,
    );
    return `{ ${inner.join(', ')} }`;
  }
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : String(schema.type ?? 'anything');
  return `${text(type)}${boundsHtml(schema)}`;
}

function boundsHtml(schema: Json): string {
  const range = (low: unknown, high: unknown, unit: string) =>
    low === undefined && high === undefined ? [] : [`${low ?? ''}..${high ?? ''}${unit}`];
  const bounds = [
    ...range(schema.minimum, schema.maximum, ''),
    ...range(schema.minLength, schema.maxLength, ' characters'),
    ...range(schema.minItems, schema.maxItems, ' items'),
    ...(schema.format === undefined ? [] : [String(schema.format)]),
    ...(schema.default === undefined ? [] : [`default ${String(schema.default)}`]),
  ];
  return bounds.length === 0 ? '' : ` <small>${text(bounds.join(', '))}</small>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: 'th' | 'td') =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<div class="table"><table><thead>${line(head, 'th')}</thead><tbody>${rows
    .map((row) => line(row, 'td'))
    .join('')}</tbody></table></div>`;
}

/** Words between backticks are code. */
function prose(words: string): string {
  return text(words).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function text(words: string): string {
  return words.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function anchor(words: string): string {
  return words.replace(/[^\w-]+/g, '-');
}

const STYLE = `:root { color-scheme: light dark; --line: #8884; --quiet: light-dark(#555, #aaa); --link: light-dark(#0b57d0, #8ab4f8); }
* { box-sizing: border-box; }
body { margin: 0; display: grid; grid-template-columns: 20rem minmax(0, 1fr); font: 15px/1.5 system-ui, sans-serif; }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; border-right: 1px solid var(--line); font-size: 13px; }
nav ul { list-style: none; margin: 0; padding: 0 0 0 .5rem; }
main { padding: 1rem 2rem 4rem; max-width: 70rem; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
article { border-top: 1px solid var(--line); padding: .5rem 0 1rem; }
h2 { margin-top: 2.5rem; }
.method { font: 600 12px ui-monospace, monospace; }
.id, small, th { color: var(--quiet); }
code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 500; font-size: 13px; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; border: 0; } main { padding: 1rem; } }
`;
