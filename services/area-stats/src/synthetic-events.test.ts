import { expect, test } from 'vitest';
import { type Plan, syntheticEvents } from './synthetic-events.ts';

const PLAN: Plan = { events: 5_000, areas: 10, modes: 7, users: 300, spanSeconds: 3_600, seed: '7' };
const END_MS = Date.UTC(2026, 0, 1);

const whole = (plan: Plan) => syntheticEvents(plan, { from: 0, count: plan.events, endMs: END_MS });

test('the same plan generates the same events, in whichever parts', () => {
  const parts = [0, 1, 1_000, 1_001].flatMap((from, index, all) =>
    syntheticEvents(PLAN, { from, count: (all[index + 1] ?? PLAN.events) - from, endMs: END_MS }),
  );
  expect(parts).toEqual(whole(PLAN));
});

test('another seed, or another size, is other events with other ids', () => {
  const ids = (plan: Plan) => whole(plan).map(({ eventId }) => eventId);
  const all = [PLAN, { ...PLAN, seed: '8' }, { ...PLAN, areas: 11 }, { ...PLAN, users: 301 }].flatMap(ids);
  expect(new Set(all).size).toBe(all.length);
});

test('ids are UUIDs, names are within the plan, lower numbers are busier, and times grow up to the end', () => {
  const events = whole(PLAN);
  const counts = new Map<string, number>();
  for (const { eventId, areaCode, userId, eventName, eventTime } of events) {
    expect(eventId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number(areaCode)).toBeLessThan(101 + PLAN.areas);
    expect(Number(userId.replace('generated-', ''))).toBeLessThan(PLAN.users);
    expect(['LOGIN', 'LOGOUT']).toContain(eventName);
    counts.set(areaCode, (counts.get(areaCode) ?? 0) + 1);
    expect(Date.parse(eventTime!)).toBeLessThanOrEqual(END_MS);
    expect(Date.parse(eventTime!)).toBeGreaterThanOrEqual(END_MS - PLAN.spanSeconds * 1_000);
  }
  expect(new Set(events.map(({ multiplayerMode }) => multiplayerMode)).size).toBe(PLAN.modes);
  expect(counts.get('101')).toBeGreaterThan(counts.get('110')! * 2);
  const times = events.map(({ eventTime }) => eventTime!);
  expect(times).toEqual([...times].sort());
});
