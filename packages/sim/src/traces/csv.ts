import { broken, type TraceText } from './file.ts';

/**
 * Tables as the traces have them: a header that names the columns, one record a line, fields in double quotes where
 * they need it, lines that begin with `#` left out. Every field is read by name and as what it has to be.
 */
export function parseTable(source: TraceText, required: readonly string[], optional: readonly string[] = []): Row[] {
  const lines = source.text.split('\n');
  let columns: Map<string, number> | null = null;
  const rows: Row[] = [];
  for (const [index, raw] of lines.entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line === '' || line.startsWith('#')) continue;
    const fields = splitFields(source, index + 1, line);
    if (columns === null) {
      columns = new Map(fields.map((name, at) => [name, at]));
      const missing = required.filter((name) => !columns!.has(name));
      const unknown = fields.filter((name) => !required.includes(name) && !optional.includes(name));
      if (missing.length > 0) throw broken(source, index + 1, `the header lacks ${missing.join(', ')}`);
      if (unknown.length > 0)
        throw broken(source, index + 1, `the header has ${unknown.join(', ')}, which is not known`);
      continue;
    }
    if (fields.length !== columns.size)
      throw broken(source, index + 1, `${fields.length} fields, the header names ${columns.size}`);
    rows.push(new Row(source, index + 1, columns, fields));
  }
  if (columns === null) throw broken(source, 1, `no header; expected ${required.join(',')}`);
  return rows;
}

export class Row {
  readonly #source: TraceText;
  readonly #line: number;
  readonly #columns: ReadonlyMap<string, number>;
  readonly #fields: readonly string[];

  constructor(source: TraceText, line: number, columns: ReadonlyMap<string, number>, fields: readonly string[]) {
    this.#source = source;
    this.#line = line;
    this.#columns = columns;
    this.#fields = fields;
  }

  /** Empty when the table has no such column. */
  text(name: string): string {
    const at = this.#columns.get(name);
    return at === undefined ? '' : this.#fields[at]!;
  }

  /** Throws when it is empty. */
  name(column: string): string {
    const text = this.text(column);
    if (text === '') throw this.wrong(`${column} is empty`);
    return text;
  }

  /** Throws unless it is a whole number of at least `least`. */
  integer(column: string, least = 0): number {
    const value = this.number(column, least);
    if (!Number.isSafeInteger(value)) throw this.wrong(`${column} is ${value}, not a whole number`);
    return value;
  }

  number(column: string, least = 0): number {
    const text = this.text(column);
    const value = text === '' ? Number.NaN : Number(text);
    if (!Number.isFinite(value)) throw this.wrong(`${column} is "${text}", not a number`);
    if (value < least) throw this.wrong(`${column} is ${text}, at least ${least} is expected`);
    return value;
  }

  /** Null when it is empty or there is no such column. */
  integerOrNull(column: string, least = 0): number | null {
    return this.text(column) === '' ? null : this.integer(column, least);
  }

  wrong(message: string): Error {
    return broken(this.#source, this.#line, message);
  }
}

function splitFields(source: TraceText, line: number, text: string): string[] {
  if (!text.includes('"')) return text.split(',');
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] !== '"') {
      const end = text.indexOf(',', at);
      fields.push(end < 0 ? text.slice(at) : text.slice(at, end));
      if (end < 0) return fields;
      at = end + 1;
      continue;
    }
    let field = '';
    for (at += 1; ; at += 2) {
      const end = text.indexOf('"', at);
      if (end < 0) throw broken(source, line, 'a double quote is not closed');
      field += text.slice(at, end);
      at = end;
      if (text[at + 1] !== '"') break;
      field += '"';
    }
    fields.push(field);
    if (at + 1 === text.length) return fields;
    if (text[at + 1] !== ',') throw broken(source, line, 'text follows a closing double quote');
    at += 2;
  }
}
