import { fromBinary } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { WatchPlayerStateResponseSchema } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { FRAME_HEADER } from './grpc-frame.ts';
import { callHeaders, openSession } from './http2-call.ts';
import { type Requests, requestAt } from './requests.ts';

/** What the parent sends first: every request is watched so many times. Answered once each watch has its first state. */
export type DeliveryOrder = {
  address: string;
  path: string;
  token: string;
  requests: Requests;
  watchesEach: number;
  connections: number;
};

/** What is answered to each further message: what came since the one before. */
export type DeliveryReport = {
  seconds: number;
  deliveries: number;
  /** From the time in the state, which its transaction took before it committed, until it is here; of one watch a player. */
  p50Ms: number;
  p99Ms: number;
  /** Watches that have ended. */
  ended: number;
};

// The first byte of an answer whose first field is a state; a heartbeat has another.
const STATE_TAG = 0x0a;

let deliveries = 0;
let ended = 0;
let since = performance.now();
let delays: number[] = [];

process.once('message', (order: DeliveryOrder) => {
  watchAll(order).then(
    () => process.send?.('watching'),
    (error: Error) => {
      process.stderr.write(`watch: ${error.message}\n`);
      process.exit(1);
    },
  );
  process.on('message', () => {
    const now = performance.now();
    delays.sort((a, b) => a - b);
    const at = (part: number) => delays[Math.floor(delays.length * part)] ?? Number.NaN;
    const report: DeliveryReport = {
      seconds: (now - since) / 1000,
      deliveries,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      ended,
    };
    deliveries = 0;
    delays = [];
    since = now;
    process.send?.(report);
  });
});
process.once('disconnect', () => process.exit());

async function watchAll({ address, requests, watchesEach, connections, ...rest }: DeliveryOrder): Promise<void> {
  const sessions = await Promise.all(Array.from({ length: connections }, () => openSession(address)));
  const headers = callHeaders(rest);
  const first: Promise<void>[] = [];
  for (let index = 0; index < requests.ends.length * watchesEach; index += 1) {
    // One watch a player is looked into; decoding all would make this process the limit.
    const sampled = index < requests.ends.length;
    const stream = sessions[index % connections]!.request(headers);
    let began = () => {};
    let failed: (error: Error) => void = () => {};
    first.push(
      new Promise((resolve, reject) => {
        began = resolve;
        failed = reject;
      }),
    );
    let held: Buffer = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      while (held.length >= FRAME_HEADER) {
        const end = FRAME_HEADER + held.readUInt32BE(1);
        if (held.length < end) break;
        if (held[FRAME_HEADER] === STATE_TAG) {
          deliveries += 1;
          if (sampled) delays.push(age(held.subarray(FRAME_HEADER, end)));
          began();
        }
        held = held.subarray(end);
      }
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      ended += 1;
      failed(new Error('a watch ended before its first state'));
    });
    stream.end(requestAt(requests, index % requests.ends.length));
  }
  await Promise.all(first);
}

function age(message: Uint8Array): number {
  const { step } = fromBinary(WatchPlayerStateResponseSchema, message);
  const time = step.case === 'state' ? step.value.updateTime : undefined;
  return time === undefined ? Number.NaN : performance.timeOrigin + performance.now() - timestampMs(time);
}
