-- Takes the lease on a record that may be worked on now: it is queued, or deferred and due, its
-- school may be spoken to, and its pace allows a request. Else it is put where it waits for that: a
-- closed school's is parked, until the next look makes one of them the probe; one that would be too
-- fast is deferred. Claiming again under the same lease gives the same answer.
-- KEYS: none
-- ARGV: now (ms or ''), id, lease (who claims), worker, how long the lease lasts (ms),
--       how long the worker would wait for the pace (ms), schools that it takes nothing more of (names,
--       each between spaces)
-- answer: 'missing', 'busy' (leased, not due, blocked or settled), 'parked' or 'paced'; or now, how
--         long to wait before the request (ms), and the whole record as HGETALL gives it
local id, lease, lasts = ARGV[2], ARGV[3], tonumber(ARGV[5])

-- While a school is closed, one operation at a time is let through to look; it has so long (ms).
local PROBE_LASTS = 120000

-- The moment that was kept for a record is its own for so long (ms): what comes later, with others
-- that were held up as well, needs another.
local TURN_LASTS = 5000

local function may_pass(record)
  local key = school_key(record.school)
  local found = redis.call('HMGET', key, 'state', 'probe', 'probe_until', 'next_look', 'by_hand')
  if not found[1] then
    return true
  end
  if found[5] or tonumber(found[4]) > now then
    return false
  end
  if found[2] and found[2] ~= record.id and tonumber(found[3]) > now then
    return false
  end
  redis.call('HSET', key, 'probe', record.id, 'probe_until', whole(now + PROBE_LASTS))
  return true
end

-- Remembers how far the queue has come: what was sent earlier and is queued still has no message.
local function note_progress(record)
  local sent = redis.call('ZSCORE', 'classin:queued', record.id)
  local reached = redis.call('HGET', 'classin:frontier', record.priority)
  if sent and (not reached or tonumber(sent) > tonumber(reached)) then
    redis.call('HSET', 'classin:frontier', record.priority, sent)
  end
end

local record = load(id)
if not record then
  return 'missing'
end
local wait = 0
if not (record.state == 'running' and record.lease == lease) then
  local due = record.state == 'deferred' and record.due_at <= now
  if record.state ~= 'queued' and not due then
    return 'busy'
  end
  note_progress(record)
  if string.find(ARGV[7], ' ' .. record.school .. ' ', 1, true) or not may_pass(record) then
    park(record)
    return 'parked'
  end
  local _, free_at = pace_of(record.school .. ' ' .. record.operation)
  local its_turn = record.paced and now - tonumber(record.paced) <= TURN_LASTS and free_at <= now
  local slot = its_turn and now or reserve(record)
  if slot > now + tonumber(ARGV[6]) then
    enter(record, 'deferred', slot)
    redis.call('HSET', record.key, 'paced', whole(slot))
    return 'paced'
  end
  wait = slot - now
  redis.call('HDEL', record.key, 'paced')
  redis.call('HINCRBY', record.key, 'claims', 1)
end
enter(record, 'running', now + lasts)
redis.call('HSET', record.key, 'lease', lease, 'worker', ARGV[4])
redis.call('HSETNX', record.key, 'started_at', whole(now))
return { whole(now), whole(wait), redis.call('HGETALL', record.key) }
