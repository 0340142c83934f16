-- Gives what has been queued for long, longest first.
-- KEYS: none
-- ARGV: now (ms or ''), how many at most, queued for more than (ms)
-- answer: id, operation, id, operation, ...
local before = string.format('%.0f', (moment(ARGV[1]) - tonumber(ARGV[3])) * 1000)
return with_operations(
  redis.call('ZRANGEBYSCORE', 'classin:ix:state:queued', '-inf', before, 'LIMIT', 0, ARGV[2])
)
