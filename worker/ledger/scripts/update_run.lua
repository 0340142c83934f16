-- Tells of a run that somebody has the lease on: that it goes on, how it ended, or that it is given back.
-- KEYS: none
-- ARGV: now (ms or ''), 'renew', 'end' or 'return', the id of the run, the lease; to renew, for how long
--       (ms); to end, the state, the exit code or '', what it said, what went wrong
-- answer: 1, or 0 if the lease is another's now: then nothing was changed
-- work: one run
local what, id, lease = unpack(ARGV, 2, 4)
local key = runs.key(id)
if call('HGET', key, 'lease') ~= lease then
  return 0
end
-- Where Redis has no room left (maxmemory) what is under way is noted all the same: it asks for room at
-- a script's first write only, and not when that takes away.
call('HDEL', key, '')
if what == 'renew' then
  call('HSET', key, 'until', clock.text(runs.now + tonumber(ARGV[5])))
elseif what == 'end' then
  runs.finish(id, ARGV[5], 'code', ARGV[6], 'said', ARGV[7], 'trouble', ARGV[8])
else
  call('HSET', key, 'state', RUN.waiting)
  call('HINCRBY', key, 'takes', -1)
  call('HDEL', key, 'lease', 'until')
end
return 1
