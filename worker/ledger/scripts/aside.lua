-- Sets a record aside on which other scripts fail, where no worker and no rescue finds it; or gives all
-- such records back, each to where its state belongs. Nothing of a record itself is changed: it may be
-- what the others fail on.
-- KEYS: none
-- ARGV: now (ms or ''), 'set', id (or '': the first at which rescue would look) and why; or 'back'
-- answer: the id of what was set aside, or ''; how many were given back
-- work: one record; or as many as were set aside

-- Gives fields of a record; false for each where it is no hash.
local function read(id, ...)
  local found = redis.pcall('HMGET', ledger.record_key(id), ...)
  return found.err and {} or found
end

local function set_aside(id, why)
  call('HSET', KEY.aside, id, cjson.encode({ at = ledger.wall, why = why }))
  call('ZREM', KEY.due, id)
  for _, priority in ipairs(LIST.priorities) do
    call('ZREM', KEY.queued .. priority, id)
  end
  local school, operation = unpack(read(id, 'school', 'operation'))
  if school and operation then
    call('ZREM', KEY.parked .. school, id)
    call('ZREM', KEY.paced .. school .. ' ' .. operation, id)
  end
  return id
end

local function give_back(id)
  local state, due_at, priority = unpack(read(id, 'state', 'due_at', 'priority'))
  if state == STATE.running or state == STATE.deferred then
    call('ZADD', KEY.due, due_at or ledger.now_text, id)
  elseif state == STATE.queued then
    call('ZADD', KEY.queued .. (priority or PRIORITY.normal), 0, id)  -- its message is lost
  end
  call('HDEL', KEY.aside, id)
end

if ARGV[2] == 'set' then
  local id = ARGV[3] ~= '' and ARGV[3] or call('ZRANGE', KEY.due, 0, 0)[1]
  return id and set_aside(id, ARGV[4]) or ''
end
local found = call('HKEYS', KEY.aside)
for _, id in ipairs(found) do
  give_back(id)
end
return #found
