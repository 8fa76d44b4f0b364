import type { DescService } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';

const RETRY_POLICY = {
  maxAttempts: 3,
  initialBackoff: '0.05s',
  maxBackoff: '0.5s',
  backoffMultiplier: 3,
  retryableStatusCodes: ['UNAVAILABLE'],
};

/**
 * The gRPC service config of a client: calls go to every address in turn, and those that the contract declares
 * IDEMPOTENT or NO_SIDE_EFFECTS are made again, three times at most, when they were UNAVAILABLE. Client streams are not:
 * nobody keeps what was sent.
 */
export function serviceConfigOf(service: DescService): string {
  const safe = service.methods.filter(
    ({ idempotency, methodKind }) =>
      idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN && methodKind !== 'client_streaming',
  );
  const name = safe.map((method) => ({ service: service.typeName, method: method.name }));
  return JSON.stringify({
    loadBalancingConfig: [{ round_robin: {} }],
    methodConfig: name.length > 0 ? [{ name, retryPolicy: RETRY_POLICY }] : [],
  });
}
