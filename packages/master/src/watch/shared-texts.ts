/** Answers that many readers want at the same moment, computed once. */
export class SharedTexts {
  readonly #entries = new Map<string, { readonly version: string; readonly text: Promise<string> }>();

  /** The text of this version, made by `compute` for the first who asks. A failure is everybody's who asked. */
  get(key: string, version: string, compute: () => Promise<string>): Promise<string> {
    const kept = this.#entries.get(key);
    if (kept?.version === version) return kept.text;
    const text = compute();
    this.#entries.delete(key);
    this.#entries.set(key, { version, text });
    text.catch(() => {
      if (this.#entries.get(key)?.text === text) this.#entries.delete(key);
    });
    if (this.#entries.size > MOST_ENTRIES) this.#entries.delete(this.#entries.keys().next().value!);
    return text;
  }
}

/** One for each kind of reader: by namespaces and parameters. */
const MOST_ENTRIES = 1_000;
