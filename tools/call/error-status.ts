import { create, type JsonValue, type Registry, toJson } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import type { ConnectError } from '@connectrpc/connect';
import { StatusSchema } from '@realmkeep/proto/google/rpc/status';

/** The error as REST shows it: a google.rpc.Status in JSON. Details of types that `registry` lacks are left out. */
export function statusOf(error: ConnectError, registry: Registry): JsonValue {
  const details: Any[] = [];
  for (const detail of error.details) {
    if ('type' in detail && registry.getMessage(detail.type) !== undefined) {
      details.push(create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value }));
    }
  }
  const status = create(StatusSchema, { code: error.code, message: error.rawMessage, details });
  return toJson(StatusSchema, status, { registry, useProtoFieldName: true });
}
