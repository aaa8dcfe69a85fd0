-- Applies events of one source partition to one entity's row of one view: all or nothing, and each once.
--
-- KEYS[1]  the hash
-- ARGV     the field of the source partition; then four for each event, by offset: its offset, its value, its event time
--          in epoch milliseconds, and the same as a protobuf Timestamp
-- Returns  how many events were applied
--
-- The field of a source partition is "<last>" or "<last> <begin> <end>": the last offset that was applied; and, once live
-- events have come, those between which none has been, since the first live one was not the first of all. Live events go
-- behind the last one. History goes behind the last one, too, and fills the gap from its beginning: offsets come in order
-- from either, so that what is not in the gap and not behind the last one has been applied.
--
-- What stands in place of the markers below is put there by script.rs, once for each view. Features and event time are what
-- Feast reads; the state and the last offset per source partition are fields that Feast ignores. Lua's numbers are doubles:
-- counts, offsets and milliseconds are whole below 2^53. The arithmetic is that of views/state.rs, operation by operation.
-- On the usual way nothing is called or made that it can do without: a function that is defined costs as much as a command.
--
-- The state: a byte that is 2 when we have set the key to expire and 1 when not; count, sum, last value and event time of
-- all events; the number of half-lives, and of each its milliseconds, count and sum; the number of days, and of each its
-- count, sum and number; and the bytes of the event time field as they were written with it.

--@CONSTANTS
local key, source = KEYS[1], ARGV[1]
local events_end = #ARGV

local stored = redis.call('HMGET', key, STATE_FIELD, TIME_FIELD, source)
local first, offset, gap = 2, '-1', ''
if stored[3] then
  offset, gap = string.match(stored[3], '^(%d+)(.*)$')
  offset, gap = offset or '-1', gap or ''
end
local last_offset, gap_begin, gap_end, gap_tail = tonumber(offset), 0, 0, nil
if IS_HISTORY and gap ~= '' then
  gap_begin, gap_tail, gap_end = string.match(gap, '^ (%-?%d+)( (%d+))$')
  gap_begin, gap_end = tonumber(gap_begin or 0), tonumber(gap_end or 0)
end
while first <= events_end do
  local number = tonumber(ARGV[first])
  if number > last_offset or number > gap_begin and number < gap_end then break end
  first = first + 4
end
if first > events_end then return 0 end
if not IS_HISTORY and gap == '' then gap = ' ' .. offset .. ' ' .. ARGV[first] end

local DAY_MILLIS = 86400000
local floor, pack, unpack_bytes, char = math.floor, struct.pack, struct.unpack, string.char
local state, time_bytes = stored[1], stored[2]
local count, sum, last, event_millis = 0, 0, 0, 0
local decayed, days = {}, {} -- {count, sum} by half-life; {day, count, sum}, the oldest first
local is_expiring, is_ours = false, false

local function start_anew()
  count, sum, days = 0, 0, {}
  for i = 1, #HALF_LIVES do decayed[i] = { 0, 0 } end
end

start_anew()
if state and #state >= 36 then
  local tag, half_lives, at
  tag, count, sum, last, event_millis, half_lives, at = unpack_bytes('<BddddB', state)
  -- Of numbers that nobody can have counted (beside x - x == 0, which only finite ones have) there is no going on.
  local is_sound = count >= 1 and count < 2 ^ 53 and sum - sum == 0 and last - last == 0 and event_millis - event_millis == 0
  if is_sound and (tag == 1 or tag == 2) and #state >= 36 + half_lives * 24 then
    is_expiring = tag == 2
    for _ = 1, half_lives do
      local half_life, its_count, its_sum
      half_life, its_count, its_sum, at = unpack_bytes('<ddd', state, at)
      is_sound = is_sound and its_count - its_count == 0 and its_sum - its_sum == 0
      for i = 1, #HALF_LIVES do
        if HALF_LIVES[i] == half_life then decayed[i] = { its_count, its_sum } end
      end
    end
    local day_count
    day_count, at = unpack_bytes('<H', state, at)
    if #state >= at - 1 + day_count * 20 then
      for i = 1, day_count do
        local its_count, its_sum, day
        its_count, its_sum, day, at = unpack_bytes('<ddi4', state, at)
        days[i] = { day, its_count, its_sum }
        is_sound = is_sound and its_count >= 1 and its_count < 2 ^ 53 and its_sum - its_sum == 0
      end
      -- Whoever writes a row writes its event time, and Feast never writes the same one again.
      is_ours = is_sound and state:sub(at) == time_bytes
    end
  end
end

-- Goes on from what somebody else, such as Feast, has written, where count and sum or count and mean tell what it was;
-- otherwise starts anew. Windows always do: their days can't be told.
if not is_ours then
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

  start_anew()
  local fields, known, is_told = {}, {}, true
  local features = --@FEATURES
  local millis = decode_time(time_bytes)
  if millis and #features > 0 then
    for i = 1, #features do fields[i] = features[i][1] end
    local values = redis.call('HMGET', key, unpack(fields))
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
    if is_told and all.last ~= false then
      -- Without a feature that shows it, the number of all events only says that there were some.
      count, last, event_millis = math.max(count, 1), all.last or 0, millis
    else
      start_anew()
    end
  end
end
if LONGEST_WINDOW == 0 then days = {} end

local applied = 0
for i = first, events_end, 4 do
  local number, is_new = tonumber(ARGV[i]), true
  if number > last_offset then
    last_offset, offset = number, ARGV[i]
  elseif number > gap_begin and number < gap_end then
    gap_begin, gap = number, ' ' .. ARGV[i] .. gap_tail
  else
    is_new = false
  end
  if is_new then
    applied = applied + 1
    local value, millis, counts = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), true
    if count == 0 then
      event_millis = millis
    elseif TTL_MILLIS > 0 then
      if millis - event_millis > TTL_MILLIS then
        start_anew()
        event_millis = millis
      elseif event_millis - millis > TTL_MILLIS then
        counts = false
      end
    end
    if counts then
      local is_latest, elapsed = millis >= event_millis, math.abs(millis - event_millis)
      count, sum = count + 1, sum + value
      for j = 1, #HALF_LIVES do
        -- 2^-(elapsed / half-life): views/decay.rs says why not by `^`.
        local sums, halvings, weight = decayed[j], elapsed / HALF_LIVES[j], 0
        if halvings <= HALVINGS_LIMIT then
          local whole = floor(halvings + 0.5)
          local exponent, series = (whole - halvings) * 0.6931471805599453, 1
          for term = SERIES_TERMS, 1, -1 do series = 1 + series * exponent / term end
          weight = series * math.ldexp(1, -whole)
        end
        if is_latest then
          sums[1], sums[2] = sums[1] * weight + 1, sums[2] * weight + value
        else
          sums[1], sums[2] = sums[1] + weight, sums[2] + value * weight
        end
      end
      if is_latest then last, event_millis, time_bytes = value, millis, ARGV[i + 3] end
      if LONGEST_WINDOW > 0 then
        local day, first_day = floor(millis / DAY_MILLIS), floor(event_millis / DAY_MILLIS) - LONGEST_WINDOW + 1
        while days[1] and days[1][1] < first_day do table.remove(days, 1) end
        if day >= first_day then
          local place = #days
          while place > 0 and days[place][1] > day do place = place - 1 end
          if place == 0 or days[place][1] < day then
            place = place + 1
            table.insert(days, place, { day, 0, 0 })
          end
          days[place][2], days[place][3] = days[place][2] + 1, days[place][3] + value
        end
      end
    end
  end
end

local parts = pack('<BddddB', LIFETIME_SECONDS > 0 and 2 or 1, count, sum, last, event_millis, #HALF_LIVES)
for i = 1, #HALF_LIVES do parts = parts .. pack('<ddd', HALF_LIVES[i], decayed[i][1], decayed[i][2]) end
if #days == 0 then
  state = parts .. '\0\0' .. time_bytes
else
  parts = { parts, pack('<H', #days) }
  for i = 1, #days do parts[#parts + 1] = pack('<ddi4', days[i][2], days[i][3], days[i][1]) end
  parts[#parts + 1] = time_bytes
  state = table.concat(parts)
end

local window
if LONGEST_WINDOW > 0 then
  window = function(length)
    local first_day, its_count, its_sum = floor(event_millis / DAY_MILLIS) - length + 1, 0, 0
    for i = 1, #days do
      if days[i][1] >= first_day then its_count, its_sum = its_count + days[i][2], its_sum + days[i][3] end
    end
    return its_count, its_sum
  end
end

-- Value{int64} of a count that takes more than two bytes
local function long(number)
  local bytes = { '\32' }
  while number >= 128 do
    bytes[#bytes + 1] = char(number % 128 + 128)
    number = floor(number / 128)
  end
  bytes[#bytes + 1] = char(number)
  return table.concat(bytes)
end

--@VALUES
-- Fields are found the faster the earlier they were written: those that are read for every review come first.
redis.call('HSET', key--@FIELDS
  , TIME_FIELD, time_bytes, STATE_FIELD, state, source, offset .. gap)
if LIFETIME_SECONDS > 0 then
  redis.call('EXPIRE', key, LIFETIME_SECONDS)
elseif is_expiring then
  redis.call('PERSIST', key)
end
return applied
