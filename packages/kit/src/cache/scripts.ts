import { HEADER_BYTES } from './value.ts';

/**
 * Stores a value unless a newer one is there. One of the same version is replaced only by a later time, which lengthens
 * its life. KEYS: value, marker. ARGV: value, TTL in milliseconds, whether to announce (1), TTL of the marker.
 *
 * The marker holds the greatest version that was announced: it is touched once for each, whoever stored the value, and
 * never for one that was announced before. Answers whether the value was stored.
 */
export const COMPARE_AND_SET = `
local function header(value)
  local a, b, c, d = struct.unpack('>I4I4I4I4', string.sub(value, 2, ${HEADER_BYTES}))
  return a * 4294967296 + b, c * 4294967296 + d
end
local version, as_of = header(ARGV[1])
local stored = 1
local old = redis.call('GETRANGE', KEYS[1], 0, ${HEADER_BYTES - 1})
if #old == ${HEADER_BYTES} and string.byte(old) == string.byte(ARGV[1]) then
  local old_version, old_as_of = header(old)
  if old_version > version or (old_version == version and old_as_of >= as_of) then stored = 0 end
end
if stored == 1 then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
if ARGV[3] == '1' then
  local announced = tonumber(redis.call('GET', KEYS[2]) or '0')
  if announced < version then redis.call('SET', KEYS[2], string.format('%.0f', version), 'PX', ARGV[4]) end
end
return stored`;

/** Deletes a value and announces it. KEYS: value, marker. ARGV: TTL of the marker. */
export const REMOVE = `
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], redis.call('GET', KEYS[2]) or '0', 'PX', ARGV[1])`;
