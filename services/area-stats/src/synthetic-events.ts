import { createHash } from 'node:crypto';
import type { Event } from './event.ts';

/** What is generated: the same plan is the same events, with the same ids. */
export type Plan = {
  events: number;
  areas: number;
  modes: number;
  users: number;
  /** How much time the events take up, in seconds. */
  spanSeconds: number;
  /** Any whole number of 64 bits. */
  seed: string;
};

// The first area is 101; modes beyond these are numbered.
const FIRST_AREA = 101;
const MODES = ['battle_royale', 'capture_the_flag', 'duel', 'raid', 'survival'];

// So many of 256 events are a LOGIN: more come than go.
const LOGINS = 160;

const UINT32 = 2 ** 32;

/**
 * Generates `count` events of a plan from the place `from` on. An event depends on the plan and its place alone, so a part
 * that is generated again is the same. Areas and modes are the busier the lower their number; users are alike. Times grow
 * with the place and end before `endMs`, in epoch milliseconds.
 */
export function syntheticEvents(plan: Plan, { from, count, endMs }: { from: number; count: number; endMs: number }) {
  const { events, areas, modes, users, spanSeconds, seed } = plan;
  const key = JSON.stringify([events, areas, modes, users, spanSeconds, seed]);
  const stepMs = (spanSeconds * 1_000) / events;
  return Array.from({ length: count }, (_, offset): Event => {
    const place = from + offset;
    const bytes = createHash('sha256').update(`${key} ${place}`).digest();
    const share = (at: number) => bytes.readUInt32LE(at) / UINT32;
    return {
      eventId: toUuid(bytes),
      areaCode: String(FIRST_AREA + skewed(areas, share(16))),
      multiplayerMode: modeName(skewed(modes, share(20))),
      userId: `generated-${Math.floor(share(24) * users)}`,
      eventName: bytes[28]! < LOGINS ? 'LOGIN' : 'LOGOUT',
      eventTime: new Date(endMs - (events - place - bytes[29]! / 256) * stepMs).toISOString(),
    };
  });
}

function skewed(choices: number, share: number): number {
  return Math.floor(choices * share * share);
}

function modeName(number: number): string {
  return MODES[number] ?? `mode_${number + 1}`;
}

/** The first 16 bytes as a UUID of version 8: one whose maker says what it holds. */
function toUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex', 0, 16);
  const variant = ((bytes[8]! & 0x3f) | 0x80).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`;
}
