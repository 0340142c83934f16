-- Takes the lease on a record that may be worked on now: it is queued, or deferred and due, or its
-- holder's lease ran out. Claiming again under the same lease gives the same answer.
-- KEYS: none
-- ARGV: now (ms or ''), id, lease (who claims), how long the lease lasts (ms)
-- answer: 'missing', or 'busy' (leased, not due or settled), or the whole record as HGETALL gives it
local now = moment(ARGV[1])
local id, lease, lasts = ARGV[2], ARGV[3], tonumber(ARGV[4])
local key = record_key(id)
local found = redis.call('HMGET', key, 'state', 'operation', 'place', 'lease', 'lease_ends', 'due_at')
local state, operation, place = found[1], found[2], found[3]
if not state then
  return 'missing'
end
local ours = state == 'running' and found[4] == lease
local lapsed = state == 'running' and tonumber(found[5]) <= now
local due = state == 'deferred' and tonumber(found[6]) <= now
if not (state == 'queued' or due or lapsed or ours) then
  return 'busy'
end
if lapsed and not ours then
  -- Its holder fell silent: what it sent last, nobody read.
  redis.call('HSET', key, 'unread', '1')
end
local ends = string.format('%.0f', now + lasts)
redis.call('HSET', key, 'lease', lease, 'lease_ends', ends)
redis.call('HSETNX', key, 'started_at', string.format('%.0f', now))
redis.call('HDEL', key, 'due_at')
redis.call('ZADD', 'classin:due', ends, id)
enter(id, operation, place, state, 'running')
return redis.call('HGETALL', key)
