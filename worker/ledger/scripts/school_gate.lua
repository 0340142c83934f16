-- Pauses a school by hand, or opens one whatever closed it.
-- KEYS: none
-- ARGV: now (ms or ''), school, 'pause' or 'resume', why or ''
-- answer: 1, or 0 when it was so already
-- work: one school
local school, key = ARGV[2], ledger.school_key(ARGV[2])
if ARGV[3] == 'resume' then
  local was = call('EXISTS', key)
  ledger.open(school)
  call('DEL', KEY.barred .. school)
  return was
end
local known = call('HGET', key, 'by_hand')
call('HSETNX', key, 'since', ledger.wall_text)
call('HSET', key, 'state', CLOSURE.paused, 'by_hand', '1', 'why', ARGV[4])
call('SADD', KEY.closed, school)
return known and 0 or 1
