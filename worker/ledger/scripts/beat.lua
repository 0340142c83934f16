-- Tells that a worker lives, and renews the leases on what it has in hand.
-- KEYS: none
-- ARGV: now (ms or ''), worker, how long leases last (ms), then id, lease, token of each record
-- answer: the leases that are over: the record is another's now, or nobody's
go_on_when_full()
local ends = now + tonumber(ARGV[3])
redis.call('ZADD', 'classin:workers', whole(ends), ARGV[2])
redis.call('ZREMRANGEBYSCORE', 'classin:workers', '-inf', whole(now - 86400000))
local lost = {}
for i = 4, #ARGV, 3 do
  local record = load(ARGV[i])
  if not record or not holds(record, ARGV[i + 1], tonumber(ARGV[i + 2])) then
    table.insert(lost, ARGV[i + 1])
  else
    renew(record, ARGV[i + 1], ARGV[i + 2], ends)
  end
end
return lost
