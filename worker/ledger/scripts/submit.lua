-- Records new operations, all or none. One that is recorded already stays as it is, so that a
-- submission whose answer was lost can be sent again; one whose dedup key is known is the record that
-- has it.
-- KEYS: none (the ledger lives in one database, not in a cluster)
-- ARGV: now (ms, or '' for the server's clock), then for each record sixteen and more:
--       id, operation, school, fields (JSON), lane or '', batch or '', source or '', '1' if it
--       accepts what exists already or '', the record that it tries again or '', ids that it waits
--       for (separated by spaces), '1' if its lane stops should it fail or '', priority or '',
--       dedup key or '', digest of school and dedup key, digest of what is asked,
--       how many pieces of files follow, and each piece: NAME:NUMBER, base 64
-- answer: for each record: its id, '1' if it is new or '', '1' if a message must be sent or '';
--         or 'conflict' or 'unknown', the position (from 1), and the id that has the key or that is
--         not there
local FIXED = 16

-- Gives who has a dedup key, and the digest of what was asked with it.
local function owner_of(key, given)
  local found = given[key] or redis.call('GET', 'classin:dedup:' .. key)
  if found then
    return string.match(found, '^(%S+) (%S+)$')
  end
end

-- Looks for what keeps a record from being taken in; notes its id and key for those that follow.
local function fault_of(i, given)
  local id, key, digest = ARGV[i], ARGV[i + 13], ARGV[i + 14]
  local owner, asked
  if key ~= '' then
    owner, asked = owner_of(key, given)
    if owner and asked ~= digest then
      return 'conflict', owner
    end
    given[key] = (owner or id) .. ' ' .. digest
  end
  for other in string.gmatch(ARGV[i + 9], '%S+') do
    if not given['id ' .. other] and redis.call('EXISTS', record_key(other)) == 0 then
      return 'unknown', other
    end
  end
  if not owner or owner == id then
    given['id ' .. id] = true
  end
end

-- Counts what a new record waits for; gives the first that did not succeed, too.
local function waiting_for(ids, id)
  local waits, failed = 0, nil
  for other in string.gmatch(ids, '%S+') do
    local state = redis.call('HGET', record_key(other), 'state')
    if not SETTLED[state] then
      waits = waits + redis.call('SADD', 'classin:followers:' .. other, id)
    elseif not WELL[state] then
      failed = failed or other
    end
  end
  return waits, failed
end

local function keep_files(id, from, pieces)
  for p = from, from + 2 * pieces - 1, 2 do
    redis.call('HSET', 'classin:file:' .. id, ARGV[p], ARGV[p + 1])
  end
end

-- Writes one new record; gives where it stands. What is to fail at once is blocked until all are
-- written, so that those behind it in its lane stop with it.
local failing = {}
local function write(i, place)
  local id, operation, school, lane, batch = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 4], ARGV[i + 5]
  local at = whole(place)
  local record = {
    'operation', operation, 'school', school, 'fields', ARGV[i + 3], 'place', at,
    'enqueued_at', whole(now),
  }
  local names = { [4] = 'lane', [5] = 'batch', [6] = 'source', [7] = 'accepts', [8] = 'retry_of',
    [9] = 'after', [10] = 'stops_lane', [11] = 'priority', [12] = 'dedup_key' }
  for offset, name in pairs(names) do
    if ARGV[i + offset] ~= '' then
      table.insert(record, name)
      table.insert(record, ARGV[i + offset])
    end
  end
  local waits, failed = waiting_for(ARGV[i + 9], id)
  if waits > 0 then
    table.insert(record, 'waits')
    table.insert(record, waits)
  end
  redis.call('HSET', record_key(id), unpack(record))
  redis.call('ZADD', 'classin:ix:all', at, id)
  reindex('operation', id, at, '', operation)
  reindex('school', id, at, '', school)
  reindex('batch', id, at, '', batch)
  local behind = lane ~= '' and redis.call('EXISTS', 'classin:lane:' .. lane) == 1
  if lane ~= '' then
    redis.call('ZADD', 'classin:lane:' .. lane, at, id)
  end
  keep_files(id, i + FIXED, tonumber(ARGV[i + 15]))
  local standing = {
    id = id, key = record_key(id), state = '', operation = operation, school = school,
    place = at,
    batch = batch ~= '' and batch, lane = lane ~= '' and lane, stops_lane = ARGV[i + 10] ~= '',
  }
  enter(standing, (behind or failed or waits > 0) and 'blocked' or 'queued')
  if failed then
    table.insert(failing, { standing, failed })
  end
  return standing.state
end

local given = {}
local i, position = 2, 1
while i <= #ARGV do
  local fault, other = fault_of(i, given)
  if fault then
    return { fault, position, other }
  end
  i, position = i + FIXED + 2 * tonumber(ARGV[i + 15]), position + 1
end

local place = math.max(now * 1000, tonumber(redis.call('GET', 'classin:place') or 0))
local answer = {}
i = 2
while i <= #ARGV do
  local id, key = ARGV[i], ARGV[i + 13]
  local owner = key ~= '' and owner_of(key, {}) or id
  local state = redis.call('HGET', record_key(owner), 'state')
  local new = not state
  if new then
    if key ~= '' then
      redis.call('SET', 'classin:dedup:' .. key, id .. ' ' .. ARGV[i + 14])
    end
    place = place + 1
    owner, state = id, write(i, place)
    local retried = record_key(ARGV[i + 8])
    if ARGV[i + 8] ~= '' and redis.call('EXISTS', retried) == 1 then
      redis.call('HSET', retried, 'retried_by', id)
    end
  end
  table.insert(answer, owner)
  table.insert(answer, new and '1' or '')
  table.insert(answer, owner == id and state == 'queued' and '1' or '')
  i = i + FIXED + 2 * tonumber(ARGV[i + 15])
end
for _, each in ipairs(failing) do
  fail_with(each[1], each[2] .. ', which it waited for, did not succeed')
end
redis.call('SET', 'classin:place', whole(place))
return answer
