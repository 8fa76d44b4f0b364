import { create } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';

/** A time in microseconds since 1970, as the database gives it, as a timestamp without loss. */
export function timestampFromMicros(micros: number | string): Timestamp {
  const value = Number(micros);
  const seconds = Math.floor(value / 1_000_000);
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos: (value - seconds * 1_000_000) * 1_000 });
}
