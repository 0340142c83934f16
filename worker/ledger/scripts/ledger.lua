-- Shared by all scripts, put in front of each: the clock, the indexes, the counts.
-- Keys are named here as keys.py lists them; `redis` and `ARGV` are the caller's.

-- Milliseconds since 1970: as given, else by this server's clock (one clock for all hosts).
local function moment(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function record_key(id)
  return 'classin:op:' .. id
end

-- Moves a record from one value's index to another's; '' is none.
local function reindex(property, id, place, from, to)
  if from == to then
    return
  end
  if from ~= '' then
    redis.call('ZREM', 'classin:ix:' .. property .. ':' .. from, id)
  end
  if to ~= '' then
    redis.call('ZADD', 'classin:ix:' .. property .. ':' .. to, place, id)
  end
end

-- Counts one record less under one name and one more under another; '' is none.
local function recount(counts, from, to)
  if from == to then
    return
  end
  if from ~= '' and redis.call('HINCRBY', counts, from, -1) <= 0 then
    redis.call('HDEL', counts, from)
  end
  if to ~= '' then
    redis.call('HINCRBY', counts, to, 1)
  end
end

-- Puts a record into a state, with all that hangs on it.
local function enter(id, operation, place, from, to)
  redis.call('HSET', record_key(id), 'state', to)
  reindex('state', id, place, from, to)
  local batch = redis.call('HGET', record_key(id), 'batch')
  if batch then
    recount('classin:batch:' .. batch, from, to)
  end
  recount('classin:counts', from ~= '' and operation .. ' ' .. from or '', operation .. ' ' .. to)
end

-- Gives id, operation, id, operation, ...
local function with_operations(ids)
  local answer = {}
  for _, id in ipairs(ids) do
    table.insert(answer, id)
    table.insert(answer, redis.call('HGET', record_key(id), 'operation'))
  end
  return answer
end
