-- Pauses a school by hand, or opens one whatever closed it.
-- KEYS: none
-- ARGV: now (ms or ''), school, 'pause' or 'resume', why or ''
-- answer: 1, or 0 when it was so already
local school, key = ARGV[2], school_key(ARGV[2])
if ARGV[3] == 'resume' then
  local was = redis.call('EXISTS', key)
  open(school)
  redis.call('DEL', 'classin:barred:' .. school)
  return was
end
local known = redis.call('HGET', key, 'by_hand')
redis.call('HSETNX', key, 'since', whole(now))
redis.call('HSET', key, 'state', 'paused', 'by_hand', '1', 'why', ARGV[4])
redis.call('SADD', 'classin:closed', school)
return known and 0 or 1
