// What the rules look at: a file, and what its syntax tree says about imports and names.
import { parseSync } from 'vite';

export interface SourceFile {
  /** From the root of the repository, with forward slashes. */
  path: string;
  text: string;
}

export interface Violation {
  path: string;
  line: number;
  message: string;
}

export interface Import {
  specifier: string;
  kind: 'static' | 'dynamic';
  line: number;
}

/** A node of the ESTree that the parser returns; only `type` is known about all of them. */
interface Node {
  type: string;
  start: number;
  [key: string]: unknown;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** Calls `visit` for every node with its parent and the property that holds it. */
export function walk(file: SourceFile, visit: (node: Node, parent: Node | undefined, key: string) => void): void {
  const result = parseSync(file.path, file.text, { sourceType: 'module' });
  const error = result.errors[0];
  if (error !== undefined) throw new Error(`${file.path} does not parse: ${error.message}`);
  const descend = (value: unknown, parent: Node | undefined, key: string): void => {
    if (Array.isArray(value)) {
      for (const item of value) descend(item, parent, key);
    } else if (isNode(value)) {
      visit(value, parent, key);
      for (const [name, child] of Object.entries(value)) descend(child, value, name);
    }
  };
  descend(result.program, undefined, '');
}

const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportAllDeclaration',
  'ExportNamedDeclaration',
  'ImportExpression',
  'TSImportType',
]);

/** Every import and re-export, types included: an arrow drawn by a type is an arrow. */
export function importsOf(file: SourceFile): Import[] {
  const imports: Import[] = [];
  walk(file, (node) => {
    if (!IMPORTING.has(node.type) || !isNode(node.source)) return;
    imports.push({
      // A computed specifier cannot be checked; it is reported as it stands and matches no door.
      specifier: typeof node.source.value === 'string' ? node.source.value : '(computed)',
      kind: node.type === 'ImportExpression' ? 'dynamic' : 'static',
      line: lineAt(file.text, node.start),
    });
  });
  return imports;
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
