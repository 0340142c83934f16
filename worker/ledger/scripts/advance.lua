-- Notes an attempt, if there was one, and puts the record where it stands now: still running (the
-- lease is renewed), deferred, or settled (its files are kept no longer). Only the holder of the
-- lease may; saying the same twice changes nothing.
-- KEYS: none
-- ARGV: now (ms or ''), id, lease, state, reason or '', code or '', message, result (JSON or ''),
--       '1' if it was so already or '', '1' if the outcome is unread or '',
--       attempt (one line, or ''), its number, wait until due (ms; when deferred),
--       '1' if this deferral counts or '', how long the lease lasts (ms; when running)
-- answer: 1, or 0 when the lease is another's
local now = moment(ARGV[1])
local id, lease, state, reason, code = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local key = record_key(id)
local found = redis.call('HMGET', key, 'lease', 'state', 'operation', 'place', 'code', 'attempts')
if found[1] ~= lease then
  return 0
end
local from, operation, place = found[2], found[3], found[4]
if from ~= 'running' then
  return 1
end

local lines = found[6] or ''
local _, noted = string.gsub(lines, '\n', '\n')
if ARGV[11] ~= '' and noted < tonumber(ARGV[12]) then
  redis.call('HSET', key, 'attempts', lines .. ARGV[11] .. '\n')
end
if ARGV[10] ~= '' then
  redis.call('HSET', key, 'unread', '1')
end
reindex('code', id, place, found[5] or '', code)
recount('classin:codes', found[5] or '', code)
local standing = { code = code, message = ARGV[7], reason = reason, result = ARGV[8], already = ARGV[9] }
for name, value in pairs(standing) do
  if value ~= '' then
    redis.call('HSET', key, name, value)
  else
    redis.call('HDEL', key, name)
  end
end

if state == 'running' then
  local ends = string.format('%.0f', now + tonumber(ARGV[15]))
  redis.call('HSET', key, 'lease_ends', ends)
  redis.call('ZADD', 'classin:due', ends, id)
elseif state == 'deferred' then
  local due = string.format('%.0f', now + tonumber(ARGV[13]))
  redis.call('HSET', key, 'due_at', due)
  if ARGV[14] ~= '' then
    redis.call('HINCRBY', key, 'deferrals', 1)
  end
  redis.call('ZADD', 'classin:due', due, id)
else
  redis.call('HSET', key, 'finished_at', string.format('%.0f', now))
  redis.call('HDEL', key, 'lease_ends', 'unread', 'deferrals')
  redis.call('ZREM', 'classin:due', id)
  redis.call('DEL', 'classin:file:' .. id)
end
enter(id, operation, place, from, state)
return 1
