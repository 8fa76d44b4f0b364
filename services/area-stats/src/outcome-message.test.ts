import { randomUUID } from 'node:crypto';
import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import { RecordEventsResponseSchema } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { expect, test } from 'vitest';
import { invalidEvent, outcomeOf, outcomeOfTime, type Refused } from './outcome.ts';
import { outcomeMessages } from './outcome-message.ts';

const LIMITS = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 };
const TOO_OLD = outcomeOfTime('2020-01-01T00:00:00Z', Date.now(), LIMITS)!;

const faulty = (description: string): Refused => invalidEvent([{ field: 'event_id', description }]);
const answer = (judged: Parameters<typeof outcomeMessages>[0]) =>
  create(RecordEventsResponseSchema, { outcomes: outcomeMessages(judged) });

test('a refused event_id is cut to 255 characters and a message to 1,000, never within a character', () => {
  const judged = [
    { eventId: '🂡'.repeat(256), outcome: faulty('x'.repeat(2_000)) },
    { eventId: '🂡'.repeat(255), outcome: faulty('is wrong') },
  ];
  const [long, whole] = outcomeMessages(judged);
  expect(long!.eventId).toBe('🂡'.repeat(255));
  expect(long!.message).toBe(`event_id: ${'x'.repeat(990)}`);
  expect(whole).toMatchObject({ eventId: '🂡'.repeat(255), message: 'event_id: is wrong' });
});

test('an answer of 10,000 outcomes has less than 4 MB, and less than 8 MB as JSON, whatever is refused', () => {
  for (const character of ['x', '\u0001', '🂡']) {
    const worst = { eventId: character.repeat(300), outcome: faulty('y'.repeat(1_000)) };
    const full = answer(Array.from({ length: 10_000 }, () => worst));
    expect(full.outcomes).toHaveLength(10_000);
    expect(toBinary(RecordEventsResponseSchema, full).length).toBeLessThan(4_000_000);
    const options = { alwaysEmitImplicit: true, useProtoFieldName: true };
    expect(toJsonString(RecordEventsResponseSchema, full, options).length).toBeLessThan(8_000_000);
  }
});

test('past 800 KB a refusal has its reason, no message, and the first 36 characters of its event_id', () => {
  const judged = Array.from({ length: 10_000 }, () => ({ eventId: 'x'.repeat(300), outcome: faulty('y'.repeat(990)) }));
  const messages = outcomeMessages(judged);
  const told = messages.filter(({ message }) => message !== '');
  expect(told).toHaveLength(Math.floor(800_000 / (1_000 + 255 - 36)));
  expect(messages.slice(told.length).map(({ eventId, reason }) => ({ eventId, reason }))).toEqual(
    Array(10_000 - told.length).fill({ eventId: 'x'.repeat(36), reason: 'INVALID_EVENT' }),
  );
});

test('10,000 events that are refused for their time all have a message', () => {
  const judged = Array.from({ length: 10_000 }, () => ({ eventId: randomUUID() as string, outcome: TOO_OLD }));
  const messages = outcomeMessages([{ eventId: randomUUID(), outcome: outcomeOf(1, LIMITS) }, ...judged]).slice(1);
  expect(messages.map(({ eventId }) => eventId)).toEqual(judged.map(({ eventId }) => eventId));
  expect(new Set(messages.map(({ message }) => message)).size).toBe(1);
  expect(messages[0]!.message).toContain('epoch_timestamp: ');
});
