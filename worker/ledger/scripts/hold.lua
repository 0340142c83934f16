-- Gives somebody the sole right to something for a while, or renews it.
-- KEYS: none
-- ARGV: now (ms or ''; not used: Redis itself lets the right end), what, who, for how long (ms)
-- answer: 1, or 0 when somebody else has it
-- work: one right
local key = 'classin:hold:' .. ARGV[2]
local holder = redis.call('GET', key)
if holder and holder ~= ARGV[3] then
  return 0
end
redis.call('SET', key, ARGV[3], 'PX', ARGV[4])
return 1
