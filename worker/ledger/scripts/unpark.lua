-- Gives parked records back: of open schools some of the oldest each; of one whose next look is due a
-- single one, of another kind than the last if there is one.
-- KEYS: none
-- ARGV: now (ms or ''), how many at most; of one school only: its name (its records are claimed at once,
--       without a message); of all, '', how many of each school at most, and where among the schools to
--       go on ('0': at the first of them)
-- answer: where to go on ('0' at the last of them), then id, operation, priority, suspect ('1' or '') of
--         each for which a message must be sent, or that can be claimed
-- work: as many records as asked for, of about 100 schools, and 100 records more for each that is tried
local messages = { '0' }
local left, only = tonumber(ARGV[2]), ARGV[3]

-- Gives one back; one without a record is only taken out.
local function give_back(school, id)
  local record = ledger.load(id)
  call('ZREM', KEY.parked .. school, id)
  if record then
    call('ZADD', KEY.queued .. ledger.priority_of(record), ledger.now_text, id)
    ledger.add_message(messages, record)
    left = left - 1
  end
end

local function candidate(school, probed)
  local oldest = call('ZRANGE', KEY.parked .. school, 0, LIMIT.probes_looked_at - 1)
  local first
  for _, id in ipairs(oldest) do
    local operation = call('HGET', ledger.record_key(id), 'operation')
    if not operation then
      call('ZREM', KEY.parked .. school, id)
    elseif operation ~= probed then
      return id
    else
      first = first or id
    end
  end
  return first
end

local function look_at(school, most)
  local found = call('HMGET', ledger.school_key(school),
    'state', 'by_hand', 'next_look', 'probed', 'probe', 'probe_until')
  if not found[1] then
    for _, id in ipairs(call('ZRANGE', KEY.parked .. school, 0, most - 1)) do
      give_back(school, id)
    end
  elseif only == '' and not found[2] and tonumber(found[3]) <= ledger.now
    and not (found[5] and tonumber(found[6]) > ledger.now) then
    local id = candidate(school, found[4])
    if id then
      give_back(school, id)
    end
  end
  if call('EXISTS', KEY.parked .. school) == 0 then
    call('SREM', KEY.parking, school)
  end
end

if only ~= '' then
  look_at(only, left)
  return messages
end
local found = call('SSCAN', KEY.parking, ARGV[5], 'COUNT', LIMIT.schools_at_once)
local schools = found[2]
messages[1] = found[1]
for i, school in ipairs(schools) do
  -- What one does not use is for those behind it.
  local share = math.ceil(left / (#schools - i + 1))
  if left > 0 then
    look_at(school, math.min(tonumber(ARGV[4]), share))
  end
end
return messages
