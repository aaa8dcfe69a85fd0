-- Applies ratings to one entity's hash: all or nothing, and each once.
--
-- KEYS[1]  the hash
-- ARGV     the fields of count, mean, event time and sum; then five for each rating: the field of its source partition,
--          its offset, its stars, its event time in epoch milliseconds, and the same as a protobuf Timestamp
-- Returns  how many ratings were applied
--
-- Count, mean and event time are what Feast reads. The sum and the last offset per source partition are fields that
-- Feast ignores. Lua's numbers are doubles: counts, offsets and milliseconds are whole below 2^53.

local key, count_field, mean_field, time_field, sum_field = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]

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

-- Value{int64}
local function decode_count(bytes)
  if not bytes or bytes:byte(1) ~= 0x20 then return nil end
  local count, next = varint(bytes, 2)
  if count and count > 0 and next == #bytes + 1 then return count end
  return nil
end

local function encode_count(count)
  local bytes = { string.char(0x20) }
  while count >= 128 do
    bytes[#bytes + 1] = string.char(count % 128 + 128)
    count = math.floor(count / 128)
  end
  bytes[#bytes + 1] = string.char(count)
  return table.concat(bytes)
end

-- Value{double}
local function decode_mean(bytes)
  if not bytes or #bytes ~= 9 or bytes:byte(1) ~= 0x29 then return nil end
  local mean = struct.unpack('<d', bytes, 2)
  if mean ~= mean or math.abs(mean) == math.huge then return nil end
  return mean
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
  return seconds * 1000 + math.floor(nanos / 1000000)
end

local stored = redis.call('HMGET', key, count_field, mean_field, time_field, sum_field)
local count, mean = decode_count(stored[1]), decode_mean(stored[2])
local time, time_bytes = decode_time(stored[3]), stored[3]
local sum
if count and mean then
  -- The sum belongs to this mean unless somebody else, such as Feast, has written the mean since.
  if stored[4] and #stored[4] == 8 then sum = struct.unpack('<d', stored[4]) end
  if not sum or sum / count ~= mean then sum = mean * count end
else
  count, sum = 0, 0
end

local last, applied = {}, 0
for i = 5, #ARGV, 5 do
  local source, offset, stars, millis = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  if not last[source] then
    last[source] = tonumber(redis.call('HGET', key, source) or '') or -1
  end
  if offset > last[source] then
    last[source] = offset
    count, sum, applied = count + 1, sum + stars, applied + 1
    if not time or millis > time then
      time, time_bytes = millis, ARGV[i + 4]
    end
  end
end

if applied > 0 then
  local write = {
    count_field, encode_count(count),
    mean_field, string.char(0x29) .. struct.pack('<d', sum / count),
    time_field, time_bytes,
    sum_field, struct.pack('<d', sum),
  }
  for source, offset in pairs(last) do
    write[#write + 1] = source
    write[#write + 1] = string.format('%.0f', offset)
  end
  redis.call('HSET', key, unpack(write))
end
return applied
