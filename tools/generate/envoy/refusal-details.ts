import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { ErrorInfoSchema, RetryInfoSchema } from '@realmkeep/proto/google/rpc/error_details';
import { StatusSchema } from '@realmkeep/proto/google/rpc/status';
import type { Refusal } from './refusals.ts';
import { type Config, seconds, typed } from './typed.ts';

const DOMAIN = 'ingress.realmkeep';

/** The details of a refusal in the JSON form that the transcoder gives to those of the services: proto field names. */
export function detailsJson({ reason, retryAfterSeconds }: Refusal): Config[] {
  const info = typed('google.rpc.ErrorInfo', { reason, domain: DOMAIN, metadata: {} });
  if (retryAfterSeconds === undefined) return [info];
  return [info, typed('google.rpc.RetryInfo', { retry_delay: seconds(retryAfterSeconds) })];
}

/** The refusal as `grpc-status-details-bin` carries it: a google.rpc.Status in base64 without padding. */
export function detailsHeader({ code, grpcCode = code, message, reason, retryAfterSeconds }: Refusal): string {
  const info = create(ErrorInfoSchema, { reason, domain: DOMAIN });
  const details = [anyPack(ErrorInfoSchema, info)];
  if (retryAfterSeconds !== undefined) {
    const retry = create(RetryInfoSchema, { retryDelay: { seconds: BigInt(retryAfterSeconds) } });
    details.push(anyPack(RetryInfoSchema, retry));
  }
  const status = create(StatusSchema, { code: grpcCode, message, details });
  return Buffer.from(toBinary(StatusSchema, status)).toString('base64').replace(/=+$/, '');
}
