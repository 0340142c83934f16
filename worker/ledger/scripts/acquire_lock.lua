-- Gives somebody the sole right to something for a while, or renews it; or only says who has it.
-- KEYS: none
-- ARGV: now (ms or ''), what, who ('': nobody wants it), for how long (ms)
-- answer: who has it now; '' if nobody has
-- work: one right
local key = KEY.lock .. ARGV[2]
local found = redis.call('HMGET', key, 'who', 'until')
local holder = found[1] and tonumber(found[2]) > clock.now and found[1] or ''
if ARGV[3] == '' or (holder ~= '' and holder ~= ARGV[3]) then
  return holder
end
redis.call('HSET', key, 'who', ARGV[3], 'until', clock.text(clock.now + tonumber(ARGV[4])))
redis.call('PEXPIRE', key, ARGV[4])  -- so that it is not kept; that it has ended is said by `until`
return ARGV[3]
