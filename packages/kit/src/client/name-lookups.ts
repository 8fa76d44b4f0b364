import { type ChannelOptions, experimental } from '@grpc/grpc-js';

const SCHEME = 'again';
const EVERY_MS = 'realmkeep.name_lookup_every_ms';

/** The gRPC target of `host:port`, whose name is looked up again and again; targets that name their scheme stay as they are. */
export function targetOf(address: string): string {
  return /^(ipv4|ipv6|unix|dns):/.test(address) ? address : `${SCHEME}:${address}`;
}

/** Channel options: how often the name of a target is looked up, in milliseconds. */
export function lookUpEvery(everyMs: number): ChannelOptions {
  return { [EVERY_MS]: everyMs };
}

/**
 * gRPC's DNS resolver, which looks a name up when a connection is lost, asked now and then besides: so a client finds
 * servers that were added while none went away. Calls go on meanwhile, and connections to servers that stay are kept.
 *
 * A class because gRPC constructs its resolvers.
 */
class AskedAgain implements experimental.Resolver {
  readonly #dns: experimental.Resolver;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    { path }: experimental.GrpcUri,
    listener: experimental.ResolverListener,
    options: ChannelOptions & { [EVERY_MS]?: number },
  ) {
    this.#dns = experimental.createResolver({ scheme: 'dns', path }, listener, options);
    this.#everyMs = options[EVERY_MS]!;
  }

  static getDefaultAuthority({ path }: experimental.GrpcUri): string {
    return path;
  }

  updateResolution(): void {
    this.#timer ??= setInterval(() => this.#dns.updateResolution(), this.#everyMs).unref();
    this.#dns.updateResolution();
  }

  destroy(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#dns.destroy();
  }
}

experimental.registerResolver(SCHEME, AskedAgain);
