/**
 * Loads the code of a page. A browser on a machine that runs containers drops requests whenever one starts or ends,
 * because its network changes then; a page is worth more than one try.
 */
const TRIES = 4;
const PAUSE_MS = 300;

export async function loadPage<T>(load: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await load();
    } catch (error) {
      if (attempt >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
    }
  }
}
