-- Notes that a request is about to be sent: should its sender fall silent, it may have been carried
-- out. Keeps the fields as they are sent, where references to earlier results were filled in.
-- KEYS: none
-- ARGV: now (ms or ''; not used), id, lease, fields (JSON) or ''
-- answer: 1, or 0 when the lease is another's
-- work: one record, and its fields
local key = KEY.record .. ARGV[2]
local found = redis.call('HMGET', key, 'state', 'lease')
if found[1] ~= STATE.running or found[2] ~= ARGV[3] then
  return 0
end
redis.call('HDEL', KEY.counts, '')  -- so that it is noted even where Redis is full
redis.call('HSET', key, 'sending', '1')
if ARGV[4] ~= '' then
  redis.call('HSET', key, 'fields', ARGV[4])
end
return 1
