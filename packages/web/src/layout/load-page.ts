/**
 * Loads the code of a page. A browser on a machine that runs containers drops requests whenever one starts or ends,
 * because its network changes then; a page is worth more than one try. And when the master was upgraded meanwhile, the
 * files that this page knows are gone: then the whole of it is loaded anew.
 */
const TRIES = 4;
const PAUSE_MS = 300;
/** A reload that does not help is not repeated. */
const RELOAD_AGAIN_MS = 30_000;
const KEY = 'cloudai.reloaded';

export async function loadPage<T>(load: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await load();
    } catch (error) {
      if (attempt < TRIES) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
      else if (mayReload()) window.location.reload();
      else throw error;
    }
  }
}

function mayReload(): boolean {
  try {
    const last = Number(sessionStorage.getItem(KEY) ?? 0);
    if (Date.now() - last < RELOAD_AGAIN_MS) return false;
    sessionStorage.setItem(KEY, String(Date.now()));
    return true;
  } catch {
    return false; // Without storage nobody knows whether it was tried.
  }
}
