/** A named prepared statement: one name means one text, on every pool of the process. */
export type Statement = { name: string; text: string; values: unknown[] };
