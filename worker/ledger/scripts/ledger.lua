-- Shared by all scripts, put in front of each: the clock, the indexes, the counts, the states.
-- Keys are named here as keys.py lists them; `redis` and `ARGV` are the caller's, and ARGV[1] is
-- always now (ms since 1970), or '' for this server's clock: one clock for all hosts.

local function moment(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local now = moment(ARGV[1])

-- A whole number as text, however large.
local function whole(number)
  return string.format('%.0f', number)
end

-- Lets a script go on where Redis has no room left (maxmemory): what is under way must be noted. Redis
-- asks for room at a script's first write only, and not when that takes away.
local function go_on_when_full()
  redis.call('HDEL', 'classin:counts', '')
end

local function record_key(id)
  return 'classin:op:' .. id
end

-- What the scripts need of a record to move it; nil if there is none.
local function load(id)
  local found = redis.call('HMGET', record_key(id), 'state', 'operation', 'school', 'place', 'batch',
    'lane', 'lease', 'claims', 'due_at', 'lease_ends', 'priority', 'waits', 'stops_lane', 'cancel',
    'code', 'paced')
  if not found[1] then
    return nil
  end
  return {
    id = id, key = record_key(id), state = found[1], operation = found[2], school = found[3],
    place = found[4], batch = found[5], lane = found[6], lease = found[7],
    claims = tonumber(found[8]) or 0, due_at = tonumber(found[9]), lease_ends = tonumber(found[10]),
    priority = found[11] or '', waits = tonumber(found[12]) or 0, stops_lane = found[13],
    cancel = found[14], code = found[15] or '', paced = found[16],
  }
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

-- Puts a record into a state, with all that hangs on it. `at`: when rescue is to look at it, because
-- it falls due or its lease runs out.
local function enter(record, to, at)
  local from = record.state
  redis.call('HSET', record.key, 'state', to)
  reindex('state', record.id, record.place, from, to)
  if record.batch then
    recount('classin:batch:' .. record.batch, from, to)
  end
  local counted = record.operation .. ' '
  recount('classin:counts', from ~= '' and counted .. from or '', counted .. to)
  if to == 'queued' then
    redis.call('ZADD', 'classin:queued', now, record.id)
  elseif from == 'queued' and redis.call('ZREM', 'classin:queued', record.id) == 0 then
    redis.call('ZREM', 'classin:parked:' .. record.school, record.id)
  end
  local was_due = from == 'running' or from == 'deferred'
  if was_due and from ~= to then
    redis.call('HDEL', record.key, 'due_at', 'lease_ends', 'paced')
  end
  if at then
    redis.call('ZADD', 'classin:due', whole(at), record.id)
    redis.call('HSET', record.key, to == 'running' and 'lease_ends' or 'due_at', whole(at))
  elseif was_due then
    redis.call('ZREM', 'classin:due', record.id)
  end
  record.state = to
end

-- Adds a record to those for whom a message must be sent: id, operation, priority.
local function add_message(messages, record)
  table.insert(messages, record.id)
  table.insert(messages, record.operation)
  table.insert(messages, record.priority)
end

-- Lets a record wait until a message is sent for it, now; nobody has a lease on it any more.
local function to_queue(record, messages)
  enter(record, 'queued')
  redis.call('HSET', record.key, 'lease', '')
  add_message(messages, record)
end

-- Says whether a claim still counts: it is the last one, or a restart of Redis forgot it and nobody
-- has claimed the record since.
local function holds(record, lease, token)
  if record.lease == lease then
    return true
  end
  local waiting = record.state == 'queued' or record.state == 'deferred'
  return waiting and record.claims < token
end

-- Renews a claim that holds, for as long as its record is under way; one that was forgotten is known
-- again.
local function renew(record, lease, token, ends)
  if record.state == 'running' or record.lease ~= lease then
    enter(record, 'running', ends)
    redis.call('HSET', record.key, 'lease', lease, 'claims', token)
    record.lease = lease
  end
end
