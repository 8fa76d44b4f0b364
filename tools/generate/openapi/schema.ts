/** A JSON Schema, or any other piece of an OpenAPI document. */
export type Schema = { [key: string]: unknown };

/** A reference to a part of the document's components. */
export function ref(kind: 'schemas' | 'responses' | 'headers', name: string): { $ref: string } {
  return { $ref: `#/components/${kind}/${name}` };
}
