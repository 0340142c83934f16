-- Shared by all scripts, put in front of each after ledger.lua: what settles, and who waited for it.
-- What is still to be looked at stands in the list classin:releasing: `+ID` and `-ID`, the followers
-- of a record that went well or not, and `=LANE`, a lane whose first place is free.

local WELL = { succeeded = true, partial = true }
local SETTLED = { succeeded = true, partial = true, failed = true, uncertain = true, cancelled = true }

-- Gives what stops a lane, one after the other: behind which place, up to which, and because of whom.
local function stops_of(lane)
  local known = redis.call('HGET', 'classin:stops', lane) or ''
  return string.gmatch(known, '(%d+) (%d+) ([^\n]*)\n')
end

-- Notes that those who are behind a record in its lane now are to fail.
local function stop_behind(record)
  local lane = 'classin:lane:' .. record.lane
  local first = tonumber(redis.call('ZRANGE', lane, 0, 0, 'WITHSCORES')[2])
  local last = tonumber(redis.call('ZRANGE', lane, -1, -1, 'WITHSCORES')[2])
  local place, kept = tonumber(record.place), ''
  for after, up_to, culprit in stops_of(record.lane) do
    if tonumber(after) < place and tonumber(up_to) >= last then
      return  -- they are to fail already
    end
    if tonumber(up_to) >= first then
      kept = kept .. after .. ' ' .. up_to .. ' ' .. culprit .. '\n'
    end
  end
  if last > place then
    local stop = whole(place) .. ' ' .. whole(last) .. ' ' .. record.id .. '\n'
    redis.call('HSET', 'classin:stops', record.lane, kept .. stop)
  end
end

-- Gives the record because of which another is to fail, if its lane stops there.
local function stopper_of(record)
  local place = tonumber(record.place)
  for after, up_to, culprit in stops_of(record.lane) do
    if tonumber(after) < place and place <= tonumber(up_to) then
      return culprit
    end
  end
end

-- Settles a record; its followers and its lane are looked at by `release`.
local function settle(record, state)
  redis.call('HSET', record.key, 'finished_at', whole(now))
  redis.call('HDEL', record.key, 'unread', 'sending', 'deferrals', 'waits', 'cancel')
  enter(record, state)
  redis.call('DEL', 'classin:file:' .. record.id)
  if redis.call('EXISTS', 'classin:followers:' .. record.id) == 1 then
    redis.call('RPUSH', 'classin:releasing', (WELL[state] and '+' or '-') .. record.id)
  end
  if record.lane then
    redis.call('ZREM', 'classin:lane:' .. record.lane, record.id)
    if redis.call('EXISTS', 'classin:lane:' .. record.lane) == 1 then
      if record.stops_lane and not WELL[state] then
        stop_behind(record)
      end
      redis.call('RPUSH', 'classin:releasing', '=' .. record.lane)
    else
      redis.call('HDEL', 'classin:stops', record.lane)
    end
  end
end

-- Fails a record because of another.
local function fail_with(record, message)
  redis.call('HSET', record.key, 'reason', 'dependency', 'message', message)
  settle(record, 'failed')
end

-- Says whether a record is the first of its lane.
local function is_head(record)
  return not record.lane or redis.call('ZRANGE', 'classin:lane:' .. record.lane, 0, 0)[1] == record.id
end

-- Lets a blocked record go on if it waits for nobody and is the first of its lane; where the lane was
-- to stop before it, it fails.
local function go_on(record, messages)
  if not is_head(record) then
    return
  end
  local culprit = record.lane and stopper_of(record)
  if culprit then
    fail_with(record, 'its lane was to stop when ' .. culprit .. ' did not succeed')
  elseif record.waits <= 0 then
    to_queue(record, messages)
  end
end

-- Tells the first of a lane that it is so now.
local function look_at_lane(lane, messages)
  local head = redis.call('ZRANGE', 'classin:lane:' .. lane, 0, 0)[1]
  local record = head and load(head)
  if record and record.state == 'blocked' then
    go_on(record, messages)
  end
end

-- Tells one follower how that which it waited for went.
local function tell(follower, id, well, messages)
  local record = load(follower)
  if not record or record.state ~= 'blocked' then
    return
  end
  if well then
    record.waits = redis.call('HINCRBY', record.key, 'waits', -1)
    go_on(record, messages)
  else
    fail_with(record, id .. ', which it waited for, did not succeed')
  end
end

-- Looks at so many of those who waited for what has settled; gives who needs a message now.
local function release(limit, messages)
  while limit > 0 do
    local item = redis.call('LINDEX', 'classin:releasing', 0)
    if not item then
      break
    end
    local kind, name = string.sub(item, 1, 1), string.sub(item, 2)
    local follower = kind ~= '=' and redis.call('SPOP', 'classin:followers:' .. name)
    if follower then
      tell(follower, name, kind == '+', messages)
    else
      redis.call('LPOP', 'classin:releasing')
      if kind == '=' then
        look_at_lane(name, messages)
      end
    end
    limit = limit - 1
  end
end
