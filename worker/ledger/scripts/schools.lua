-- Shared by all scripts, put in front of each after followers.lua: whether a school may be spoken to
-- now, and how fast.

-- A kind of operation that alone was locked out stays refused for so long (ms) before it counts anew.
local BARRED_FOR = 3600000

local function school_key(school)
  return 'classin:school:' .. school
end

-- Puts a record aside until its school may be spoken to; its message is used up.
local function park(record)
  if record.state ~= 'queued' then
    enter(record, 'queued')
    redis.call('HSET', record.key, 'lease', '')
  end
  redis.call('ZREM', 'classin:queued', record.id)
  redis.call('ZADD', 'classin:parked:' .. record.school, record.place, record.id)
  redis.call('SADD', 'classin:parking', record.school)
end

-- Gives when to look again after so many looks: the pauses are ms, separated by spaces.
local function next_look(looks, pauses)
  local all = {}
  for pause in string.gmatch(pauses, '%S+') do
    table.insert(all, tonumber(pause))
  end
  return now + all[math.min(looks, #all)]
end

-- Closes a school after an operation was locked out or met maintenance, or closes it for longer;
-- one that a person paused stays as it is. Gives when the next look is due.
local function close(record, state, pauses)
  local key = school_key(record.school)
  local found = redis.call('HMGET', key, 'state', 'by_hand', 'next_look')
  if found[2] then
    return next_look(1, pauses)
  end
  local probed = redis.call('HGET', key, 'probe') == record.id
  if found[1] and not probed then
    return tonumber(found[3])  -- sent before the school was closed: this tells nothing new
  end
  local look = next_look(redis.call('HINCRBY', key, 'looks', 1), pauses)
  redis.call('HSETNX', key, 'since', whole(now))
  if found[1] ~= state then
    redis.call('HSET', key, 'cause', record.operation)
  end
  redis.call('HSET', key, 'state', state, 'code', record.code, 'next_look', whole(look),
    'probed', record.operation)
  redis.call('HDEL', key, 'probe')
  redis.call('SADD', 'classin:closed', record.school)
  return look
end

-- Opens a school; whether its parked ones come back is for rescue to see.
local function open(school)
  redis.call('DEL', school_key(school))
  redis.call('SREM', 'classin:closed', school)
end

-- Notes that ClassIn let an operation in: a closed school opens if this was its probe. If another kind
-- had been locked out, that kind alone is refused from now on.
local function let_in(record)
  local barred = 'classin:barred:' .. record.school
  redis.call('HDEL', barred, record.operation)
  local found = redis.call('HMGET', school_key(record.school), 'state', 'probe', 'cause', 'by_hand')
  if found[2] ~= record.id or found[4] then
    return
  end
  if found[1] == 'paused' and found[3] ~= record.operation then
    redis.call('HSET', barred, found[3], whole(now))
    redis.call('PEXPIRE', barred, BARRED_FOR)
  end
  open(record.school)
end

local function is_barred(record)
  local since = redis.call('HGET', 'classin:barred:' .. record.school, record.operation)
  return since and now - tonumber(since) < BARRED_FOR
end

-- Pauses grow with each of these levels that "too fast" adds, and shrink one level in so many ms.
local LEVELS, LEVEL_LASTS, FIRST_INTERVAL, BURST = 8, 30000, 50, 1000

local function pace_key(what)
  return 'classin:pace:' .. what
end

-- Gives the state of one pace: next free moment, end of a told pause, level now.
local function pace_of(what)
  local found = redis.call('HMGET', pace_key(what), 'next', 'free_at', 'level', 'slowed_at')
  local level = tonumber(found[3]) or 0
  if level > 0 then
    local slow_for = math.max(0, now - tonumber(found[4]))  -- clocks are set back now and then
    level = math.max(0, level - math.floor(slow_for / LEVEL_LASTS))
  end
  return tonumber(found[1]) or 0, tonumber(found[2]) or 0, level, tonumber(found[4]) or 0
end

-- Finds when a request may go out, and keeps that moment for it. `interval`: least ms from one to
-- the next.
local function reserve_one(what, interval)
  local following, free_at, level = pace_of(what)
  local burst = BURST
  if level > 0 then
    interval, burst = math.max(interval, FIRST_INTERVAL * 2 ^ level), 0
  end
  local slot = math.max(now, free_at, following - burst)
  if interval > 0 then
    local key = pace_key(what)
    redis.call('HSET', key, 'next', whole(math.max(following, slot) + interval))
    redis.call('PEXPIRE', key, whole(math.max(LEVELS * LEVEL_LASTS, following - now + 2 * interval)))
  end
  return slot
end

-- Finds when a record's next request may go out: its school's pace and that of its kind there.
local function reserve(record)
  local kind = record.school .. ' ' .. record.operation
  local paces = redis.call('HMGET', 'classin:paces', kind, record.school)
  local slot = reserve_one(kind, tonumber(paces[1]) or 0)
  if paces[2] then
    slot = math.max(slot, reserve_one(record.school, tonumber(paces[2])))
  end
  return slot
end

-- Slows a kind of operation of a school down, for all workers: nothing for `pause` ms, then with
-- longer intervals. Many that were under way together count as one.
local function slow_down(record, pause)
  local what = record.school .. ' ' .. record.operation
  local _, free_at, level, slowed_at = pace_of(what)
  if now - slowed_at >= 1000 then
    level = math.min(level + 1, LEVELS)
  end
  redis.call('HSET', pace_key(what), 'free_at', whole(math.max(free_at, now + pause)),
    'level', level, 'slowed_at', whole(now))
  redis.call('PEXPIRE', pace_key(what), whole(pause + LEVELS * LEVEL_LASTS))
end
