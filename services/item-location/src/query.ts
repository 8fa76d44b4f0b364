import type { FilterKind } from './listing.ts';

/** A query whose answer is cached for a short time, and is not told of changes. */
export type Query =
  | { kind: 'list'; by: FilterKind; value: string; pageSize: number }
  | { kind: 'search'; text: string; limit: number }
  | { kind: 'nearby'; areaCode: string; point: [number, number, number]; maxDistance: number; limit: number };

/** Answers of more things are large, and asked for by those who walk through everything: they are not cached. */
export const MOST_CACHED = 100;

/** The query as a key: its canonical text, at most about 1 KB, so that no two queries share one. */
export function toQueryKey(query: Query): string {
  switch (query.kind) {
    case 'list':
      return JSON.stringify(['list', query.by, query.value, query.pageSize]);
    case 'search':
      return JSON.stringify(['search', query.text, query.limit]);
    case 'nearby':
      return JSON.stringify(['nearby', query.areaCode, query.point, query.maxDistance, query.limit]);
  }
}

export function fromQueryKey(key: string): Query {
  const parts = JSON.parse(key) as
    | ['list', FilterKind, string, number]
    | ['search', string, number]
    | ['nearby', string, [number, number, number], number, number];
  switch (parts[0]) {
    case 'list':
      return { kind: 'list', by: parts[1], value: parts[2], pageSize: parts[3] };
    case 'search':
      return { kind: 'search', text: parts[1], limit: parts[2] };
    case 'nearby':
      return { kind: 'nearby', areaCode: parts[1], point: parts[2], maxDistance: parts[3], limit: parts[4] };
  }
}
