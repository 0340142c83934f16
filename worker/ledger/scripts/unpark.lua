-- Gives parked records back: of each open school so many of the oldest; of one whose next look is
-- due a single one, of another kind than the last if there is one.
-- KEYS: none
-- ARGV: now (ms or ''), how many of each school at most, the only school to look at (its records are
--       claimed at once, without a message) or ''
-- answer: id, operation, priority of each for which a message must be sent, or that can be claimed
local messages = {}

-- Among so many of the oldest, one of another kind than was tried last is looked for.
local LOOKED_AT = 100

local function give_back(school, id)
  local record = ledger.load(id)
  call('ZREM', 'classin:parked:' .. school, id)
  call('ZADD', 'classin:queued:' .. ledger.priority_of(record), ledger.now_text, id)
  ledger.add_message(messages, record)
end

local function candidate(school, probed)
  local oldest = call('ZRANGE', 'classin:parked:' .. school, 0, LOOKED_AT - 1)
  for _, id in ipairs(oldest) do
    if call('HGET', ledger.record_key(id), 'operation') ~= probed then
      return id
    end
  end
  return oldest[1]
end

local schools = ARGV[3] ~= '' and { ARGV[3] } or call('SMEMBERS', 'classin:parking')
for _, school in ipairs(schools) do
  local key = ledger.school_key(school)
  local found = call('HMGET', key, 'state', 'by_hand', 'next_look', 'probed', 'probe', 'probe_until')
  if not found[1] then
    for _, id in ipairs(call('ZRANGE', 'classin:parked:' .. school, 0, ARGV[2] - 1)) do
      give_back(school, id)
    end
  elseif ARGV[3] == '' and not found[2] and tonumber(found[3]) <= ledger.now
    and not (found[5] and tonumber(found[6]) > ledger.now) then
    local id = candidate(school, found[4])
    if id then
      give_back(school, id)
    end
  end
  if call('EXISTS', 'classin:parked:' .. school) == 0 then
    call('SREM', 'classin:parking', school)
  end
end
return messages
