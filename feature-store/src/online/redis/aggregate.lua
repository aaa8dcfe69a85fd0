-- Applies events to one entity's row of one view: all or nothing, and each once.
--
-- KEYS[1]  the hash
-- ARGV     five for each event: the field of its source partition, its offset, its value, its event time in epoch
--          milliseconds, and the same as a protobuf Timestamp; by partition, and within one by offset
-- Returns  how many events were applied
--
-- What stands between the markers below is put there by script.rs, once for each view. Features and event time are what
-- Feast reads; the state and the last offset per source partition are fields that Feast ignores. Lua's numbers are doubles:
-- counts, offsets and milliseconds are whole below 2^53. The arithmetic is that of views/state.rs, operation by operation.
--
-- The state: a byte that is 2 when we have set the key to expire and 1 when not; count, sum, last value and event time of
-- all events; the number of half-lives, and of each its milliseconds, count and sum; the number of days, and of each its
-- number, count and sum; and the bytes of the event time field as they were written with it.

--@CONSTANTS
local key = KEYS[1]
local DAY_MILLIS = 86400000
local floor, pack, unpack_bytes = math.floor, struct.pack, struct.unpack

local stored = redis.call('HMGET', key, STATE_FIELD, TIME_FIELD, ARGV[1])
local last_offset = { [ARGV[1]] = tonumber(stored[3] or '') or -1 }

local function last_offset_of(source)
  local last = last_offset[source]
  if not last then
    last = tonumber(redis.call('HGET', key, source) or '') or -1
    last_offset[source] = last
  end
  return last
end

-- A replay ends here, as cheaply as it can.
local first = 1
while first <= #ARGV and tonumber(ARGV[first + 1]) <= last_offset_of(ARGV[first]) do first = first + 5 end
if first > #ARGV then return 0 end

local count, sum, last, event_millis = 0, 0, 0, 0
local decayed, days = {}, {} -- {count, sum} by half-life; {day, count, sum} by age, the oldest first
local time_bytes, is_expiring = nil, false

local function start_anew()
  count, sum, days = 0, 0, {}
  for i = 1, #HALF_LIVES do decayed[i] = { 0, 0 } end
end

-- Reads a varint of up to 49 bits; a negative int64 has ten bytes, of which the low seven tell it.
local function varint(bytes, at)
  local number, unit = 0, 1
  for i = at, math.min(at + 9, #bytes) do
    local byte = bytes:byte(i)
    if i < at + 7 then
      number = number + (byte % 128) * unit
      unit = unit * 128
    end
    if byte < 128 then
      if i == at + 9 then
        number = number - 2 ^ 49
      elseif i >= at + 7 then
        return nil
      end
      return number, i + 1
    end
  end
  return nil
end

-- Timestamp{seconds, nanos}, as epoch milliseconds
local function decode_time(bytes)
  if not bytes then return nil end
  local seconds, nanos, at = 0, 0, 1
  while at <= #bytes do
    local tag, number = bytes:byte(at), nil
    number, at = varint(bytes, at + 1)
    if number and tag == 0x08 then seconds = number
    elseif number and tag == 0x10 then nanos = number
    else return nil end
  end
  return seconds * 1000 + floor(nanos / 1000000)
end

-- Value{int64}, Value{double}
local function decode_number(bytes)
  if not bytes then return nil end
  if bytes:byte(1) == 0x20 then
    local number, after = varint(bytes, 2)
    if number and after == #bytes + 1 then return number end
  elseif bytes:byte(1) == 0x29 and #bytes == 9 then
    local number = unpack_bytes('<d', bytes, 2)
    if number == number and math.abs(number) < math.huge then return number end
  end
  return nil
end

-- Goes on from what somebody else, such as Feast, has written, where count and sum or count and mean tell what it was;
-- otherwise starts anew. Windows always do: their days can't be told.
local function adopt()
  local millis, features, fields = decode_time(stored[2]), FEATURES(), {}
  if not millis or #features == 0 then return end
  for i = 1, #features do fields[i] = features[i][1] end
  local values, known, is_told = redis.call('HMGET', key, unpack(fields)), {}, true
  for i = 1, #features do
    local name, span = features[i][2], features[i][3]
    known[span] = known[span] or {}
    known[span][name] = decode_number(values[i]) or false
  end
  local function sums(of)
    if of.count and of.count > 0 and (of.sum or of.mean) then return of.count, of.sum or of.mean * of.count end
    is_told = is_told and of.count == nil and of.sum == nil and of.mean == nil
    return 0, 0
  end
  local all = known.all or {}
  count, sum = sums(all)
  for i = 1, #HALF_LIVES do decayed[i] = { sums(known[i]) } end
  if not is_told or all.last == false then
    start_anew()
    return
  end
  -- Without a feature that shows it, the number of all events only says that there were some.
  count, last, event_millis = math.max(count, 1), all.last or 0, millis
end

local function read_state()
  local state, tag = stored[1], stored[1] and stored[1]:byte(1)
  if not state or #state < 36 or (tag ~= 1 and tag ~= 2) then return false end
  is_expiring = tag == 2
  local half_lives, day_count, at
  count, sum, last, event_millis, half_lives, at = unpack_bytes('<ddddB', state, 2)
  if #state < 36 + half_lives * 24 then return false end
  for _ = 1, half_lives do
    local half_life, its_count, its_sum
    half_life, its_count, its_sum, at = unpack_bytes('<ddd', state, at)
    for i = 1, #HALF_LIVES do
      if HALF_LIVES[i] == half_life then decayed[i] = { its_count, its_sum } end
    end
  end
  day_count, at = unpack_bytes('<H', state, at)
  if #state < at - 1 + day_count * 20 then return false end
  for i = 1, day_count do
    local its_count, its_sum, day
    its_count, its_sum, day, at = unpack_bytes('<ddi4', state, at)
    days[i] = { day, its_count, its_sum }
  end
  -- Whoever writes a row writes its event time, and Feast never writes the same one again.
  return state:sub(at) == stored[2]
end

start_anew()
if not read_state() then
  start_anew()
  adopt()
end
if count > 0 then time_bytes = stored[2] end
if LONGEST_WINDOW == 0 then days = {} end

-- 2^-(elapsed / half-life): views/decay.rs says why not by `^`.
local function weight(elapsed, half_life)
  local halvings = elapsed / half_life
  if halvings > HALVINGS_LIMIT then return 0 end
  local whole = floor(halvings + 0.5)
  local exponent, series = (whole - halvings) * 0.6931471805599453, 1
  for term = SERIES_TERMS, 1, -1 do series = 1 + series * exponent / term end
  return series * math.ldexp(1, -whole)
end

local function apply_to_day(day, value)
  local first_day = floor(event_millis / DAY_MILLIS) - LONGEST_WINDOW + 1
  while days[1] and days[1][1] < first_day do table.remove(days, 1) end
  if day < first_day then return end
  local place = #days
  while place > 0 and days[place][1] > day do place = place - 1 end
  if place == 0 or days[place][1] < day then
    place = place + 1
    table.insert(days, place, { day, 0, 0 })
  end
  days[place][2], days[place][3] = days[place][2] + 1, days[place][3] + value
end

local function apply(value, millis, bytes)
  if count == 0 then
    event_millis = millis
  elseif TTL_MILLIS > 0 then
    if millis - event_millis > TTL_MILLIS then
      start_anew()
      event_millis = millis
    elseif event_millis - millis > TTL_MILLIS then
      return
    end
  end
  local is_latest = millis >= event_millis
  count, sum = count + 1, sum + value
  for i = 1, #HALF_LIVES do
    local sums, its_weight = decayed[i], weight(math.abs(millis - event_millis), HALF_LIVES[i])
    if is_latest then
      sums[1], sums[2] = sums[1] * its_weight + 1, sums[2] * its_weight + value
    else
      sums[1], sums[2] = sums[1] + its_weight, sums[2] + value * its_weight
    end
  end
  if is_latest then last, event_millis, time_bytes = value, millis, bytes end
  if LONGEST_WINDOW > 0 then apply_to_day(floor(millis / DAY_MILLIS), value) end
end

local applied = 0
for i = first, #ARGV, 5 do
  local source, offset = ARGV[i], tonumber(ARGV[i + 1])
  if offset > last_offset_of(source) then
    last_offset[source], applied = offset, applied + 1
    apply(tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), ARGV[i + 4])
  end
end

-- A value that no event speaks for is Feast's null.
local function double(number)
  if number ~= number then return '' end
  return pack('<Bd', 0x29, number)
end

local function int64(number)
  if number < 128 then return string.char(0x20, number) end
  local bytes = { string.char(0x20) }
  while number >= 128 do
    bytes[#bytes + 1] = string.char(number % 128 + 128)
    number = floor(number / 128)
  end
  bytes[#bytes + 1] = string.char(number)
  return table.concat(bytes)
end

local function window(length)
  local first_day, its_count, its_sum = floor(event_millis / DAY_MILLIS) - length + 1, 0, 0
  for i = 1, #days do
    if days[i][1] >= first_day then its_count, its_sum = its_count + days[i][2], its_sum + days[i][3] end
  end
  return its_count, its_sum
end

local function window_sum(length)
  local _, its_sum = window(length)
  return its_sum
end

local function window_mean(length)
  local its_count, its_sum = window(length)
  return its_sum / its_count
end

local state = pack('<BddddB', LIFETIME_SECONDS > 0 and 2 or 1, count, sum, last, event_millis, #HALF_LIVES)
for i = 1, #HALF_LIVES do state = state .. pack('<ddd', HALF_LIVES[i], decayed[i][1], decayed[i][2]) end
local parts = { state, pack('<H', #days) }
for i = 1, #days do parts[#parts + 1] = pack('<ddi4', days[i][2], days[i][3], days[i][1]) end
parts[#parts + 1] = time_bytes

local write = {
  STATE_FIELD, table.concat(parts), TIME_FIELD, time_bytes,
  --@VALUES
}
for source, offset in pairs(last_offset) do
  if offset >= 0 then
    write[#write + 1] = source
    write[#write + 1] = string.format('%.0f', offset)
  end
end
redis.call('HSET', key, unpack(write))
if LIFETIME_SECONDS > 0 then
  redis.call('EXPIRE', key, LIFETIME_SECONDS)
elseif is_expiring then
  redis.call('PERSIST', key)
end
return applied
