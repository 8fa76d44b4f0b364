import { setTimeout as delay } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { repairItemLocations } from './item-location-repair.ts';
import { estimateRows, type KeyRange, type Keys, keyRanges, within } from './key-ranges.ts';
import { ranged } from './ranged.ts';
import type { Finding, Verification } from './verification.ts';

const THINGS: Keys = { table: 'game_items', key: 'game_item_id', type: 'uuid', size: 50_000 };

/** What a thing is, and the names in it, as text: the same on both sides. */
const SOURCE = `
  select g.game_item_id as id, concat_ws(' | ', g.owner_id, g.item_id, g.quantity, g.version) as thing,
    concat_ws(' | ', p.display_name, p.name_version) as owner, concat_ws(' | ', i.name, i.kind, i.version) as item
  from game_items g join players p on p.player_id = g.owner_id join items i on i.item_id = g.item_id`;
const COPY = `
  select g.game_item_id as id, concat_ws(' | ', g.owner_id, g.item_id, g.quantity, g.source_version) as thing,
    concat_ws(' | ', g.owner_name, g.owner_name_version) as owner,
    concat_ws(' | ', g.item_name, g.item_kind, g.item_version) as item,
    exists (select from renames r where r.noun = 'owner' and r.id = g.owner_id::text) as owner_renamed,
    exists (select from renames r where r.noun = 'item' and r.id = g.item_id) as item_renamed
  from game_item_locations g where not g.consumed`;

const RANGE = within('s.id', 'uuid');
const BY_IDS = 's.id = any ($1::uuid[])';

const LOOK_EVERY_MS = 250;

/**
 * Whether item-location shows the things that player-state has, but for names that a rename is on its way with. Ranges are
 * compared by a digest, and only those that differ row by row; what differs is looked at again for `lagMs`, which the
 * follower may need.
 */
export function followedVerification(playerState: ClientBase, itemLocation: ClientBase, lagMs = 10_000): Verification {
  return {
    says: '3. item-location shows the things, owners and names of player-state',
    rows: () => estimateRows(playerState, 'game_items'),
    repair: (ids) => repairItemLocations(playerState, itemLocation, ids),
    async *run(advance) {
      for await (const range of keyRanges(playerState, THINGS)) {
        const [source, copy] = [await digest(playerState, SOURCE, range), await digest(itemLocation, COPY, range)];
        if (source !== copy) yield* differences(playerState, itemLocation, range, lagMs);
        advance(range.rows);
      }
    },
  };
}

const COPIES: Keys = { table: 'game_item_locations', key: 'game_item_id', type: 'uuid', size: 50_000 };

/** Whether things show the names and areas of their locations, but for those that a rename is on its way to. */
export function placedVerification(playerState: ClientBase, itemLocation: ClientBase): Verification {
  return {
    ...ranged(
      itemLocation,
      '3. item-location shows the names and areas of locations',
      COPIES,
      `select g.game_item_id as id,
         format('shows "%s" in "%s" of "%s" in "%s"', g.location_name, g.area_code, l.name, l.area_code) as what
       from game_item_locations g left join locations l on l.location_id = g.location_id
       where ${within('g.game_item_id', 'uuid')} and not g.consumed
         and (g.location_name, g.area_code) <> (coalesce(l.name, ''), coalesce(l.area_code, ''))
         and not exists (select from renames r where r.noun = 'location' and r.id = g.location_id::text)`,
    ),
    repair: (ids) => repairItemLocations(playerState, itemLocation, ids),
  };
}

async function digest(client: ClientBase, rows: string, { after, through }: KeyRange): Promise<string> {
  const found = await client.query<{ digest: string }>(
    `select count(*) || ' ' || coalesce(sum(hashtextextended(s.id || concat_ws(' | ', s.thing, s.owner, s.item), 0)), 0)
       as digest
     from (${rows}) s where ${RANGE}`,
    [after, through],
  );
  return found.rows[0]!.digest;
}

/** One side's thing and names; those that are being renamed there may be older than the other side's. */
type State = { thing: string; owner: string; item: string; owner_renamed?: boolean; item_renamed?: boolean };

async function states(client: ClientBase, rows: string, where: string, values: unknown[]): Promise<Map<string, State>> {
  const found = await client.query<State & { id: string }>(`select * from (${rows}) s where ${where}`, values);
  return new Map(found.rows.map((row) => [row.id, row]));
}

function differs(source: State | undefined, copy: State | undefined): boolean {
  if (!source || !copy || source.thing !== copy.thing) return true;
  return (source.owner !== copy.owner && !copy.owner_renamed) || (source.item !== copy.item && !copy.item_renamed);
}

function textOf(state: State | undefined): string {
  return state ? `${state.thing} | ${state.owner} | ${state.item}` : 'nothing';
}

async function* differences(
  playerState: ClientBase,
  itemLocation: ClientBase,
  { after, through }: KeyRange,
  lagMs: number,
): AsyncGenerator<Finding> {
  const deadline = performance.now() + lagMs;
  let [where, values]: [string, unknown[]] = [RANGE, [after, through]];
  for (;;) {
    const source = await states(playerState, SOURCE, where, values);
    const copy = await states(itemLocation, COPY, where, values);
    const ids = [...new Set([...source.keys(), ...copy.keys()])].filter((id) => differs(source.get(id), copy.get(id)));
    if (ids.length === 0) return;
    if (performance.now() >= deadline) {
      for (const id of ids) {
        yield { id, what: `shows "${textOf(copy.get(id))}" of "${textOf(source.get(id))}"` };
      }
      return;
    }
    [where, values] = [BY_IDS, [ids]];
    await delay(LOOK_EVERY_MS);
  }
}
