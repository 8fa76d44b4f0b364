import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { credit } from '../e2e/operations.ts';
import type { Stage } from '../e2e/stage.ts';
import type { Release } from './release.ts';

const PARTS = ['player-state', 'item-location', 'area-stats', 'envoy', 'postgres', 'valkey'] as const;
type Part = (typeof PARTS)[number];
type Usage = { cpuSeconds: Map<string, number>; megabytes: Record<Part, number>; at: number };

type Summary = {
  pods: {
    podRef: { name: string; namespace: string };
    containers?: { cpu?: { usageCoreNanoSeconds?: number }; memory?: { workingSetBytes?: number } }[];
  }[];
};

const CALLS = 2_000;
const AT_ONCE = 40;

/**
 * What the pods of a release have used, as the kubelet of its one node counts it: by containers, whose counters are read
 * when they are asked for. Those of pods are up to 20 s old.
 */
async function usage(release: Release): Promise<Usage> {
  const { items } = await release.get<{ items: { metadata: { name: string } }[] }>('nodes');
  const path = `/api/v1/nodes/${items[0]!.metadata.name}/proxy/stats/summary`;
  const summary: Summary = JSON.parse(await release.kubectl('get', '--raw', path));
  const pods = summary.pods.filter(({ podRef }) => podRef.namespace === release.namespace && partOf(podRef.name));
  const megabytes = Object.fromEntries(PARTS.map((part) => [part, 0])) as Record<Part, number>;
  const cpuSeconds = new Map<string, number>();
  for (const { podRef, containers = [] } of pods) {
    const cores = containers.map(({ cpu }) => (cpu?.usageCoreNanoSeconds ?? 0) / 1e9);
    cpuSeconds.set(podRef.name, sum(cores));
    megabytes[partOf(podRef.name)!] += sum(containers.map(({ memory }) => (memory?.workingSetBytes ?? 0) / 1e6));
  }
  return { cpuSeconds, megabytes, at: Date.now() };
}

/** The CPU seconds of a part between two counts; of a pod that is gone by the second, none. */
function spentBetween(before: Usage, after: Usage, part: Part): number {
  const pods = [...after.cpuSeconds].filter(([name]) => partOf(name) === part);
  return sum(pods.map(([name, seconds]) => seconds - (before.cpuSeconds.get(name) ?? 0)));
}

function sum(values: number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

function partOf(pod: string): Part | undefined {
  return PARTS.find((part) => pod.startsWith(`realmkeep-${part}-`) && !/-migrate-|-join-/.test(pod));
}

/** Prints the CPU that each part spends on 1,000 calls, idle use taken off, and the memory it holds then. */
export function sizingStories(stage: Stage, release: () => Release): void {
  describe('the size of a release', () => {
    it('follows from the CPU of 1,000 calls of each kind', async () => {
      const players = await Promise.all(Array.from({ length: 200 }, () => stage.player()));
      const anyOf = () => players[Math.floor(Math.random() * players.length)]!;
      const { players: states, things, stats } = stage.server;
      const kinds: Record<string, () => Promise<unknown>> = {
        GetPlayerState: () => states.getPlayerState({ playerId: anyOf() }),
        ApplyTransaction: () =>
          states.applyTransaction({ transactionId: randomUUID(), operations: [credit(anyOf(), 1n)] }),
        ListItemLocations: () => things.listItemLocations({ playerId: anyOf() }),
        RecordEvent: () =>
          stats.recordEvent({
            eventId: randomUUID(),
            areaCode: 'sizing',
            multiplayerMode: 'duel',
            userId: anyOf(),
            eventName: 'LOGIN',
          }),
        GetAreaStats: () => stats.getAreaStats({ areaCode: 'sizing' }),
      };

      const quiet = await usage(release());
      await delay(20_000);
      const idle = await usage(release());
      const perSecond = (part: Part) => spentBetween(quiet, idle, part) / ((idle.at - quiet.at) / 1_000);
      const table: Record<string, Record<string, number>> = {};
      let before = idle;
      for (const [kind, call] of Object.entries(kinds)) {
        let left = CALLS;
        const lane = async () => {
          while (left > 0) {
            left -= 1;
            await call();
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, lane));
        const after = await usage(release());
        const seconds = (after.at - before.at) / 1_000;
        const spent = (part: Part) => (spentBetween(before, after, part) - perSecond(part) * seconds) / (CALLS / 1_000);
        table[kind] = Object.fromEntries(PARTS.map((part) => [part, Math.max(0, Math.round(spent(part) * 100) / 100)]));
        before = after;
      }
      console.log('CPU seconds for 1,000 calls');
      console.table(table);
      console.log('CPU cores while idle, and megabytes after that');
      console.table({
        idle: Object.fromEntries(PARTS.map((part) => [part, Math.round(perSecond(part) * 1_000) / 1_000])),
        megabytes: Object.fromEntries(PARTS.map((part) => [part, Math.round(before.megabytes[part])])),
      });
      expect(table.GetPlayerState!['player-state']).toBeGreaterThan(0);
    }, 600_000);
  });
}
