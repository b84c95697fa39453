/**
 * The dashboard: built files under `/`, and its start page for every other address that a browser opens there, because
 * the dashboard draws `/tasks/...` itself. They hold nothing secret, so they need no token; what they show comes from the
 * API, which does. Addresses of the API never end up here.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const INDEX = 'index.html';
/** Names in here carry a hash of the content, so what they stand for never changes. */
const HASHED = /^assets\/[^/]*-[\w-]{8,}\.\w+$/;
/** First parts of paths that belong to the API, its older routes and what machines ask for. */
const NOT_PAGES: ReadonlySet<string> = new Set(['api', 'ws', 'metrics', 'health', 'ready', 'status']);

/** Older routes under addresses that the dashboard has, too. */
const OLDER_API = /^\/(?:workers|telemetry(?:\/[^/]+)?)$/;

const PAGE_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-cache',
} as const;

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>CloudAI</title>
<h1>The dashboard is not built</h1>
<p>This master runs, but there are no files of its dashboard. In the repository, make them with</p>
<pre>npm run build -w packages/web</pre>
<p>and load this page again. The API works without them: <a href="/api/docs">/api/docs</a>.</p>
</html>
`;

export interface Pages {
  /** Whether a request is for the dashboard and not for the API. */
  isPage(request: FastifyRequest): boolean;
  /** Sends what belongs to the address; false when nothing does. */
  send(request: FastifyRequest, reply: FastifyReply): Promise<boolean>;
}

/** `root` need not exist yet: it is looked at for every request. */
export function addPages(app: FastifyInstance, root: string): Pages {
  app.register(fastifyStatic, {
    root,
    serve: false,
    preCompressed: true,
    cacheControl: false,
    dotfiles: 'deny',
    suppressWarning: true,
  });
  return {
    isPage({ method, url, headers }) {
      if (method !== 'GET' && method !== 'HEAD') return false;
      const address = url.split('?', 1)[0]!;
      // A browser that goes there wants the page; whoever shows a token, or takes no page, is a program.
      if (OLDER_API.test(address)) return headers.authorization === undefined && takesPage(headers);
      return !NOT_PAGES.has(address.slice(1).split('/', 1)[0]!);
    },

    async send(request, reply) {
      const name = fileOf(request.url);
      if (name === null) return false;
      if (name !== '' && name !== INDEX && (await isFile(path.join(root, name)))) {
        reply.headers(PAGE_HEADERS);
        if (HASHED.test(name)) reply.header('cache-control', 'public, max-age=31536000, immutable');
        reply.sendFile(name);
        return true;
      }
      const wantsPage = name === '' || name === INDEX || takesPage(request.headers);
      if (!wantsPage || name.startsWith('assets/')) return false;
      reply.headers(PAGE_HEADERS);
      if (await isFile(path.join(root, INDEX))) reply.sendFile(INDEX);
      else reply.code(404).type('text/html; charset=utf-8').send(NOT_BUILT);
      return true;
    },
  };
}

function takesPage({ accept }: FastifyRequest['headers']): boolean {
  return accept?.includes('text/html') === true;
}

/** The path below the root, without a slash in front; null for one that could lead out of it or to a hidden file. */
function fileOf(url: string): string | null {
  try {
    const name = decodeURIComponent(url.split('?', 1)[0]!).slice(1);
    const isPlain = !/[\\\0]/.test(name) && name.split('/').every((part) => !part.startsWith('.'));
    return isPlain && !name.startsWith('/') ? name : null;
  } catch {
    // Not decodable, so no name of a file.
    return null;
  }
}

async function isFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch {
    // Whatever keeps it from being read: there is nothing to send.
    return false;
  }
}
