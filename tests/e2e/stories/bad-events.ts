import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import { BadRequestSchema } from '@realmkeep/proto/google/rpc/error_details';
import { RecordEventRequestSchema } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../stage.ts';

const NAMES = [undefined, null, '', 'x'.repeat(256), 'a\u0000b', 'a\nb', '\u007f', {}, { a: 'b' }];
const YEARS = ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '10000-01-01T00:00:00Z', '1970-01-01T00:00:00Z'];

/** By the field to blame, what it must not be over REST: missing, empty, too long, with control characters, of a wrong type. */
const WRONG: Record<string, unknown[]> = {
  event_id: [undefined, null, '', 'no-uuid', 'x'.repeat(256), {}],
  area_code: NAMES,
  multiplayer_mode: NAMES,
  user_id: NAMES,
  event_name: [undefined, null, '', 'JUMP', 'login', 'LOGIN ', 'x'.repeat(256), 'LOGIN\u0000', {}],
  epoch_timestamp: [...YEARS, '', 'now', '2026-11-22', 'x'.repeat(256), true, {}],
  ack: ['SOMETIMES', '', 'x'.repeat(256), 99, {}],
};

/** Events that no server may record: each names its field, and changes nothing. */
export function badEventStories(stage: Stage): void {
  const eventIn = (area: string) => ({
    event_id: randomUUID(),
    area_code: area,
    multiplayer_mode: 'battle_royale',
    user_id: 'u1',
    event_name: 'LOGIN',
  });
  const tables = ['event_ids', 'area_mode_events', 'area_mode_presence', 'area_mode_events_agg'];
  const rows = async () => {
    const counts = tables.map((table) => `(select count(*)::int from ${table}) as ${table}`);
    return stage.query('area-stats', `select ${counts.join()}`, []);
  };

  describe('a bad event', () => {
    it.each(Object.keys(WRONG))(
      'with a wrong %s is refused over REST by its name, and changes nothing',
      async (field) => {
        const token = await stage.token('server');
        const before = await rows();
        for (const value of WRONG[field]!) {
          const event = { ...eventIn('bad'), [field]: value };
          const wrong = `${field}: ${JSON.stringify(value)}`;
          const one = await stage.rest('/events', { method: 'POST', token, body: event });
          expect.soft({ status: one.status, wrong }).toEqual({ status: 400, wrong });
          expect.soft(JSON.stringify(one.body), wrong).toContain(field);
        }
        expect(await rows()).toEqual(before);
      },
    );

    it('with a list where one value belongs is refused by the transcoder, which does not say where', async () => {
      const token = await stage.token('server');
      const before = await rows();
      for (const field of Object.keys(WRONG)) {
        const body = { ...eventIn('bad'), [field]: ['LOGIN'] };
        const answer = await stage.rest('/events', { method: 'POST', token, body });
        expect.soft(answer.status, field).toBe(400);
        expect.soft(JSON.stringify(answer.body), field).toContain('MALFORMED_REQUEST');
      }
      expect(await rows()).toEqual(before);
    });

    it('is refused over gRPC by the name of its field, and changes nothing', async () => {
      const before = await rows();
      const wrong = [
        ['event_id', { eventId: '' }],
        ['area_code', { areaCode: 'x'.repeat(256) }],
        ['multiplayer_mode', { multiplayerMode: 'a\u0000b' }],
        ['user_id', { userId: '' }],
        ['event_name', { eventName: 'JUMP' }],
        ['epoch_timestamp', { epochTimestamp: { seconds: -62_167_219_200n } }],
        ['epoch_timestamp', { epochTimestamp: { seconds: 253_402_300_799n } }],
        ['ack', { ack: 99 as never }],
      ] as const;
      for (const [field, changes] of wrong) {
        const event = { areaCode: 'bad', multiplayerMode: 'royale', userId: 'u1', eventName: 'LOGIN' };
        const request = create(RecordEventRequestSchema, { eventId: randomUUID(), ...event, ...changes });
        const fault = await stage.server.stats.recordEvent(request).catch((error: unknown) => error);
        expect.soft(fault, field).toBeInstanceOf(ConnectError);
        const [violations] = (fault as ConnectError).findDetails(BadRequestSchema);
        expect.soft(violations?.fieldViolations.map((violation) => violation.field)).toEqual([field]);
      }
      expect(await rows()).toEqual(before);
    });
  });
}
