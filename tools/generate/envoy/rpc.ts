import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescMethod, fromBinary, getOption } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { Access_Role, access, timeout } from '@realmkeep/proto/realmkeep/options/v1/options';

/** One RPC of the contract, as the ingress sees it. */
export type Rpc = {
  method: DescMethod;
  /** The full name of its gRPC service: `realmkeep.area_stats.v1.AreaStatsService`. */
  service: string;
  /** `/package.Service/Method`: the path of every call, also of a REST call once it is transcoded. */
  path: string;
  /** The deployable that serves it: `area-stats`. */
  deployable: string;
  roles: readonly Access_Role[];
  /** Whether it may be sent again when its answer was lost. */
  safeToRetry: boolean;
  streaming: boolean;
  /** The bound on the whole answer; streams have none. */
  timeoutSeconds: number;
};

// Counted from a call's arrival: a burst of 50,000 calls waits in the ingress for 10 s and longer before it is served.
const DEFAULT_TIMEOUT_SECONDS = 30;

/** Every RPC of the contract in the order of the descriptor set, also those that the ingress does not route. */
export function readRpcs(descriptorFile: string): Rpc[] {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorFile)));
  const methods: DescMethod[] = [];
  for (const type of registry) {
    if (type.kind === 'service' && type.typeName.startsWith('realmkeep.')) methods.push(...type.methods);
  }
  return methods.map(toRpc).sort((a, b) => a.path.localeCompare(b.path, 'en'));
}

/** Whether a caller from outside may reach it at all: what only SERVICE may call has no route. */
export function isRouted(rpc: Rpc): boolean {
  return rpc.roles.some((role) => role !== Access_Role.SERVICE);
}

/** Whether it answers callers without a token. */
export function isOpen(rpc: Rpc): boolean {
  return rpc.roles.includes(Access_Role.ANYONE);
}

const SAFE = [MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS, MethodOptions_IdempotencyLevel.IDEMPOTENT];

function toRpc(method: DescMethod): Rpc {
  const service = method.parent.typeName;
  const bound = getOption(method, timeout);
  return {
    method,
    service,
    path: `/${service}/${method.name}`,
    deployable: deployableOf(service),
    roles: getOption(method, access).roles,
    // Nobody keeps what a client stream has sent.
    safeToRetry: method.methodKind !== 'client_streaming' && SAFE.includes(method.idempotency),
    streaming: method.methodKind !== 'unary',
    timeoutSeconds: bound.seconds === 0n && bound.nanos === 0 ? DEFAULT_TIMEOUT_SECONDS : Number(bound.seconds),
  };
}

/** `realmkeep.area_stats.v1.AreaStatsService` is served by `area-stats`. */
function deployableOf(service: string): string {
  const name = service.split('.')[1];
  if (!name) throw new Error(`${service} is not of the form realmkeep.<service>.v1.<Service>`);
  return name.replaceAll('_', '-');
}
