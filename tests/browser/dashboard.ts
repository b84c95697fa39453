// A browser on the dashboard of a real cluster. What the page writes to its console as an error fails the test.
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { findChromium } from '../../scripts/chromium.ts';
import type { Cluster } from '../e2e/cluster.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** For a busy machine; what is waited for is always something that can be asked. */
const WAIT_MS = 30_000;

/** The browser drops requests when a container starts or ends, because the machine's network changes then. */
const NETWORK_CHANGED = /ERR_NETWORK_CHANGED/;
const TRIES = 4;

export interface PageOptions {
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
}

export class Dashboard {
  readonly #cluster: Cluster;
  readonly #open: BrowserContext[] = [];
  readonly #errors: string[] = [];
  #browser: Browser | null = null;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async start(): Promise<void> {
    const executablePath = findChromium();
    if (executablePath === undefined)
      throw new Error('no Chromium: install it (apt-get install chromium) or name one in CLOUDAI_TEST_CHROMIUM');
    this.#browser = await chromium.launch({ executablePath, args: FLAGS });
  }

  /** A page of a browser that nobody has used before, not logged in. */
  async newPage({ theme = 'light', width = 1440, height = 900 }: PageOptions = {}): Promise<Page> {
    const context = await this.#browser!.newContext({
      baseURL: this.#cluster.url,
      viewport: { width, height },
      colorScheme: theme,
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(WAIT_MS);
    this.#open.push(context);
    const page = await context.newPage();
    const goto = page.goto.bind(page);
    page.goto = async (...args) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await goto(...args);
        } catch (error) {
          if (attempt === TRIES || !NETWORK_CHANGED.test(String(error))) throw error;
        }
      }
    };
    page.on('console', (message) => {
      if (message.type() === 'error' && !NETWORK_CHANGED.test(message.text()))
        this.#errors.push(`${message.text()} (${message.location().url})`);
    });
    page.on('requestfailed', (request) => {
      const isStart = /\/assets\/(index|common)-/.test(request.url());
      if (isStart && NETWORK_CHANGED.test(request.failure()?.errorText ?? '')) page.reload().catch(() => undefined);
    });
    page.on('pageerror', (error) => this.#errors.push(String(error)));
    return page;
  }

  /** The same, logged in: as the admin, or with the token of somebody else. */
  async logIn({ token = this.#cluster.token, ...options }: PageOptions & { token?: string } = {}): Promise<Page> {
    const page = await this.newPage(options);
    await page.goto('/');
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    return page;
  }

  /** Errors of the consoles since the last time. */
  takeErrors(): string[] {
    return this.#errors.splice(0);
  }

  async closePages(): Promise<void> {
    for (const context of this.#open.splice(0)) await context.close();
  }

  async close(): Promise<void> {
    await this.closePages();
    await this.#browser?.close();
  }
}
