import { randomUUID } from 'node:crypto';
import { createScript, type RedisScript } from '@realmkeep/kit/redis/script';
import type { AreaStats } from './area-stats.ts';

/** What the cache says of an area. */
export type Found =
  | { kind: 'hit'; stats: AreaStats; remainingMs: number }
  /** Nothing is cached and this caller is the one to fetch it: meanwhile it calls `hold`, then `fill` or `release`. */
  | { kind: 'claimed' }
  /** Nothing is cached yet; another process is fetching it. */
  | { kind: 'awaited' }
  /** Redis does not answer. */
  | { kind: 'away' };

/** How long a claim outlives its holder, in milliseconds. A holder that lives renews it several times in that. */
export const CLAIM_MS = 2_000;
const RENEW_EVERY_MS = CLAIM_MS / 4;

// The hash of an area: `as_of` in epoch milliseconds, and `mode:<name>` with the count for each mode. An area in which
// nobody plays has `as_of` alone. Beside it is the claim of the process that is fetching the area.
const AS_OF = 'as_of';
const MODE = 'mode:';

const READ_OR_CLAIM = `
local found = redis.call('HGETALL', KEYS[1])
if #found > 0 then return {found, redis.call('PTTL', KEYS[1])} end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 'claimed' end
return 'awaited'`;

// Counts that were read earlier never replace later ones: a slow process may come late.
const FILL = `
local as_of = redis.call('HGET', KEYS[1], '${AS_OF}')
if not as_of or tonumber(as_of) <= tonumber(ARGV[3]) then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], '${AS_OF}', ARGV[3])
  for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end`;

const RENEW = `if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end`;

const RELEASE = `if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end`;

/** The counts that all processes share. It never throws: a Redis that fails or is slow is away. */
export function createCache({ redis }: { redis: Parameters<typeof createScript>[0] }) {
  const claim = randomUUID();
  const readOrClaim = createScript(redis, READ_OR_CLAIM);
  const renew = createScript(redis, RENEW);
  const fill = createScript(redis, FILL);
  const release = createScript(redis, RELEASE);

  async function attempt(script: RedisScript, areaCode: string, ...args: (string | number)[]): Promise<unknown> {
    try {
      return await script(keysOf(areaCode), [claim, ...args]);
    } catch {
      return 'away';
    }
  }

  return {
    /** Reads an area's counts. When there are none, one caller of all processes gets to fetch them. */
    async readOrClaim(areaCode: string): Promise<Found> {
      const found = await attempt(readOrClaim, areaCode, CLAIM_MS);
      if (found === 'claimed' || found === 'awaited') return { kind: found };
      if (!Array.isArray(found)) return { kind: 'away' };
      const [fields, remainingMs] = found as [string[], number];
      return { kind: 'hit', stats: decode(fields), remainingMs };
    },

    /** Renews the claim until the function that it answers is called. */
    hold(areaCode: string): () => void {
      const timer = setInterval(() => void attempt(renew, areaCode, CLAIM_MS), RENEW_EVERY_MS);
      return () => clearInterval(timer);
    },

    /** Shares the counts for `ttlMs` and gives the claim back. */
    async fill(areaCode: string, { modes, asOf }: AreaStats, ttlMs: number): Promise<void> {
      const fields = modes.flatMap(({ mode, count }) => [MODE + mode, String(count)]);
      await attempt(fill, areaCode, Math.max(1, Math.floor(ttlMs)), asOf, ...fields);
    },

    /** Gives the claim back after a fetch that failed. */
    async release(areaCode: string): Promise<void> {
      await attempt(release, areaCode);
    },
  };
}

// Both keys lie in one slot, that of the area between the braces; a closing brace in its name would end it early.
function keysOf(areaCode: string): string[] {
  const tag = areaCode.replace(/[%}]/g, encodeURIComponent);
  return [`rk:area-stats:v1:{${tag}}:counts`, `rk:area-stats:v1:{${tag}}:fetching`];
}

function decode(fields: string[]): AreaStats {
  const stats: AreaStats = { modes: [], asOf: 0 };
  for (let i = 0; i < fields.length; i += 2) {
    const field = fields[i]!;
    const value = fields[i + 1]!;
    if (field === AS_OF) stats.asOf = Number(value);
    else stats.modes.push({ mode: field.slice(MODE.length), count: BigInt(value) });
  }
  // A hash has no order of its own.
  stats.modes.sort((a, b) =>
    a.count === b.count ? Buffer.compare(Buffer.from(a.mode), Buffer.from(b.mode)) : a.count > b.count ? -1 : 1,
  );
  return stats;
}
