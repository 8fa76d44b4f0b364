import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { ErrorInfoSchema, RetryInfoSchema } from '@realmkeep/proto/google/rpc/error_details';
import { StatusSchema } from '@realmkeep/proto/google/rpc/status';

/** What a caller sees of a gRPC or gRPC-Web call, with its error details unpacked. */
export type GrpcAnswer = {
  code: number;
  message: string;
  /** The reason and the domain of the ErrorInfo. */
  reason: string | undefined;
  domain: string | undefined;
  /** The delay of the RetryInfo. */
  retryAfterSeconds: number | undefined;
  body: Uint8Array;
};

/** Reads `grpc-status-details-bin`, and demands that it says the same code. */
export function answerOf(code: number, message: string, statusDetails: Uint8Array | undefined, body: Uint8Array) {
  const status = statusDetails && fromBinary(StatusSchema, statusDetails);
  if (status && status.code !== code) throw new Error(`grpc-status says ${code}, its details say ${status.code}`);
  const details = status?.details ?? [];
  const info = details.map((detail) => anyUnpack(detail, ErrorInfoSchema)).find((found) => found !== undefined);
  const retry = details.map((detail) => anyUnpack(detail, RetryInfoSchema)).find((found) => found !== undefined);
  const retryAfterSeconds = retry?.retryDelay && Number(retry.retryDelay.seconds);
  return { code, message, reason: info?.reason, domain: info?.domain, retryAfterSeconds, body } satisfies GrpcAnswer;
}
