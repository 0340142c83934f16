-- Tries what other scripts do, on a key that is gone at the end: whether this Redis, and the rights of its
-- user, let scripts write.
-- KEYS: none
-- ARGV: now (ms or ''; not used)
-- answer: 1
-- work: one key
local key = KEY.trial
local function try(...)
  redis.call('DEL', key)
  redis.call(...)
end
redis.call('TIME')
try('SADD', key, 'member')
redis.call('SREM', key, 'member')
try('RPUSH', key, 'item')
redis.call('LTRIM', key, 1, -1)
try('ZADD', key, 1, 'member')
redis.call('ZREM', key, 'member')
try('XADD', key, '*', 'field', 'value')
try('HSET', key, 'field', '1')
redis.call('HINCRBY', key, 'field', 1)
redis.call('HDEL', key, 'field')
try('SET', key, '')
redis.call('PEXPIRE', key, LIMIT.trial_kept)
redis.call('DEL', key)
return 1
