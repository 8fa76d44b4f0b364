-- Refuses fields that the contract does not know, by name: the transcoder would drop them silently. Runs for REST calls
-- with a body only. MESSAGES and BODIES stand above, generated from the contract:
--   MESSAGES[i]  field name -> number of the field's message, 0 for what is no message of ours
--   BODIES       { method, pattern of the path, number of the message that the body is }
-- A body that is not JSON in the strict sense is refused here too, so that no parser is read more leniently than this one.

local byte, find, sub = string.byte, string.find, string.sub
local MAX_DEPTH = 64

local function fail(reason)
  error({ reason = reason }, 0)
end

local function skip_space(text, at)
  return find(text, '[^ \t\r\n]', at) or #text + 1
end

-- The position behind a string that starts at `at`.
local function skip_string(text, at)
  local from = at + 1
  while true do
    local stop = find(text, '["\\]', from)
    if not stop then fail('a string does not end') end
    if byte(text, stop) == 34 then return stop + 1 end
    from = stop + 2
  end
end

local function skip_literal(text, at)
  local _, stop = find(text, '^[%w+.-]+', at)
  if not stop then fail('there is no value at byte ' .. at) end
  local literal = sub(text, at, stop)
  if literal ~= 'true' and literal ~= 'false' and literal ~= 'null' and not find(literal, '^-?%d+%.?%d*[eE]?[+-]?%d*$') then
    fail('there is no value at byte ' .. at)
  end
  return stop + 1
end

local skip_value

local function skip_object(text, at, message, path, depth)
  at = skip_space(text, at + 1)
  if byte(text, at) == 125 then return at + 1 end
  while true do
    if byte(text, at) ~= 34 then fail('there is no field name at byte ' .. at) end
    local behind = skip_string(text, at)
    local name = sub(text, at + 1, behind - 2)
    local inner = 0
    local inner_path = path == '' and name or path .. '.' .. name
    if message ~= 0 then
      inner = MESSAGES[message][name]
      if not inner then fail('there is no field "' .. sub(inner_path, 1, 200) .. '"') end
    end
    at = skip_space(text, behind)
    if byte(text, at) ~= 58 then fail('there is no colon at byte ' .. at) end
    at = skip_space(text, skip_value(text, skip_space(text, at + 1), inner, inner_path, depth))
    local next = byte(text, at)
    if next == 125 then return at + 1 end
    if next ~= 44 then fail('an object does not go on at byte ' .. at) end
    at = skip_space(text, at + 1)
  end
end

local function skip_array(text, at, message, path, depth)
  at = skip_space(text, at + 1)
  if byte(text, at) == 93 then return at + 1 end
  local index = 0
  while true do
    at = skip_space(text, skip_value(text, at, message, path .. '[' .. index .. ']', depth))
    local next = byte(text, at)
    if next == 93 then return at + 1 end
    if next ~= 44 then fail('a list does not go on at byte ' .. at) end
    at = skip_space(text, at + 1)
    index = index + 1
  end
end

function skip_value(text, at, message, path, depth)
  if depth == MAX_DEPTH then fail('it is nested too deep') end
  local first = byte(text, at)
  if first == 34 then return skip_string(text, at) end
  if first == 123 then return skip_object(text, at, message, path, depth + 1) end
  if first == 91 then return skip_array(text, at, message, path, depth + 1) end
  return skip_literal(text, at)
end

local function check(text, message)
  local at = skip_space(text, skip_value(text, skip_space(text, 1), message, '', 0))
  if at <= #text then fail('it goes on behind its end, at byte ' .. at) end
end

local function message_of(method, path)
  for _, body in ipairs(BODIES) do
    if body[1] == method and find(path, body[2]) then return body[3] end
  end
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local path = headers:get(':path')
  local message = message_of(headers:get(':method'), sub(path, 1, (find(path, '?', 1, true) or 0) - 1))
  if not message then return end
  local body = handle:body(true)
  local length = body:length()
  if length == 0 then return end
  local known, fault = pcall(check, body:getBytes(0, length), message)
  if known then return end
  handle:respond({ [':status'] = '400' }, type(fault) == 'table' and fault.reason or 'it can not be read')
end
