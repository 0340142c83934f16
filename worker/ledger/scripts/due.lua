-- Gives what is due: deferred records whose time has come, and running ones whose lease ran out.
-- They are looked at again after a while, unless a worker has claimed them by then: whoever asked
-- may die before the message is out.
-- KEYS: none
-- ARGV: now (ms or ''), how many at most, look again after (ms)
-- answer: id, operation, id, operation, ...
local now = moment(ARGV[1])
local ids = redis.call('ZRANGEBYSCORE', 'classin:due', '-inf', now, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  redis.call('ZADD', 'classin:due', string.format('%.0f', now + tonumber(ARGV[3])), id)
end
return with_operations(ids)
