-- Gives somebody the sole right to something for a while, or renews it.
-- KEYS: none
-- ARGV: what, who, for how long (ms)
-- answer: 1, or 0 when somebody else has it
local key = 'classin:hold:' .. ARGV[1]
local holder = redis.call('GET', key)
if holder and holder ~= ARGV[2] then
  return 0
end
redis.call('SET', key, ARGV[2], 'PX', ARGV[3])
return 1
