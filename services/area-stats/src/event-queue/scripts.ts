import { FIELD } from './entry.ts';

/**
 * Appends of the entries ARGV[2..] the first for which there is room, the stream growing no longer than ARGV[1], and
 * answers how many. An entry's id is the server's time in microseconds, but always greater than the one before, also on a
 * new primary and when the clock goes back: the order of arrival.
 */
export const APPEND = `
local count = math.min(#ARGV - 1, tonumber(ARGV[1]) - redis.call('XLEN', KEYS[1]))
if count <= 0 then return 0 end
local last = 0
local info = redis.pcall('XINFO', 'STREAM', KEYS[1])
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then last = tonumber(string.match(info[i + 1], '^%d+')) end
end
local time = redis.call('TIME')
local id = math.max(time[1] * 1000000 + time[2], last + 1)
for i = 0, count - 1 do
  redis.call('XADD', KEYS[1], string.format('%.0f-0', id + i), '${FIELD}', ARGV[i + 2])
end
return count`;

/** Takes the entries ARGV[2..] off the group ARGV[1] and out of the stream, both or neither. */
export const SETTLE = `
redis.call('XACK', KEYS[1], unpack(ARGV))
return redis.call('XDEL', KEYS[1], unpack(ARGV, 2))`;

/**
 * Removes consumers of the group ARGV[1] that have nothing in work: the one named ARGV[2], or, without a name, those that
 * were silent for ARGV[3] milliseconds. To remove one that has entries in work would lose them. Answers how many.
 */
export const REMOVE = `
local removed = 0
local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
for _, consumer in ipairs(consumers) do
  local of = {}
  for i = 1, #consumer, 2 do of[consumer[i]] = consumer[i + 1] end
  local meant = of.name == ARGV[2] or (ARGV[2] == '' and of.idle >= tonumber(ARGV[3]))
  if meant and of.pending == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], of.name)
    removed = removed + 1
  end
end
return removed`;
