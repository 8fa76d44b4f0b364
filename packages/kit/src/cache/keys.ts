/** The names of a cache's keys in Redis. All those of one id share a slot. */
export type Keys = {
  value(id: string): string;
  /** Touched whenever the value was written anew; these alone are tracked. */
  marker(id: string): string;
  /** Held by the process that refreshes the value. */
  lease(id: string): string;
};

export function createKeys(name: string, noun: string): Keys {
  return {
    value: (id) => `rk:${name}:v1:{${encode(id)}}:${noun}`,
    marker: (id) => `${markerPrefix(name)}v1:{${encode(id)}}:${noun}`,
    lease: (id) => `rk:${name}:v1:{${encode(id)}}:${noun}:lease`,
  };
}

/** How the markers of every noun of a service begin. */
export function markerPrefix(name: string): string {
  return `rkm:${name}:`;
}

/** The noun and the id of a marker's key. */
export function parseMarker(name: string, marker: string): { noun: string; id: string } | undefined {
  const start = markerPrefix(name).length + 'v1:{'.length;
  const end = marker.lastIndexOf('}:');
  if (end < start) return undefined;
  return { noun: marker.slice(end + 2), id: decode(marker.slice(start, end)) };
}

// A brace within an id would end or begin the part that chooses the slot, and with nothing in it the whole key would.
const ESCAPES = [
  ['%', '%25'],
  ['{', '%7B'],
  ['}', '%7D'],
  ['', '%'],
] as const;
const ESCAPE = new Map<string, string>(ESCAPES);
const UNESCAPE = new Map<string, string>(ESCAPES.map(([plain, escaped]) => [escaped, plain]));

function encode(id: string): string {
  return id.replace(/^$|[%{}]/g, (special) => ESCAPE.get(special)!);
}

function decode(id: string): string {
  return id.replace(/^%$|%25|%7B|%7D/g, (escaped) => UNESCAPE.get(escaped)!);
}
