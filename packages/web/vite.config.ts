import fs from 'node:fs';
import path from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The master that `vite` (the development server) speaks to. */
const MASTER = process.env.CLOUDAI_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss(), compressed()],
  build: {
    target: ['chrome123', 'firefox128', 'safari17.5'],
    // Everything is a file of its own, because the page's policy allows no data: scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // What every page needs is one file, so that the first of them takes few requests.
        codeSplitting: {
          groups: [
            {
              name: 'common',
              test: /packages\/(sdk|api)\/|src\/(components|format|live|session|theme|layout)\/|node_modules\/(@tanstack|react|react-dom|scheduler)\//,
            },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': { target: MASTER, ws: true } } },
});

/** Text compressed once here instead of for every request. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    writeBundle({ dir = '' }, bundle) {
      for (const name of Object.keys(bundle)) {
        if (!/\.(js|css)$/.test(name)) continue;
        const file = path.join(dir, name);
        fs.writeFileSync(`${file}.br`, brotliCompressSync(fs.readFileSync(file)));
      }
    },
  };
}
