/** What Envoy's configuration is made of: JSON, with typed extensions. */
export type Config = { [key: string]: Config | Config[] | string | number | boolean | string[] | number[] };

/** A configuration of the named protobuf type. */
export function typed(type: string, config: Config = {}): Config {
  return { '@type': `type.googleapis.com/${type}`, ...config };
}

/** An HTTP filter, or whatever else is a name and a typed configuration. */
export function extension(name: string, type: string, config: Config = {}): Config {
  return { name, typed_config: typed(type, config) };
}

/** A duration in Envoy's notation. */
export function seconds(count: number): string {
  return `${count}s`;
}
