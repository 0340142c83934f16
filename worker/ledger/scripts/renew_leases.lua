-- Tells that a worker lives, and renews the leases on what it has in hand.
-- KEYS: none
-- ARGV: now (ms or ''), worker ('' if it consumes nothing), how long leases last (ms), then id, lease, token of each record
-- answer: the leases that are over: the record is another's now, or nobody's
-- work: as many records as are named: 500
ledger.go_on_when_full()
local ends = ledger.now + tonumber(ARGV[3])
if ARGV[2] ~= '' then
  call('ZADD', KEY.workers, ledger.whole(ends), ARGV[2])
end
call('ZREMRANGEBYSCORE', KEY.workers, '-inf', ledger.whole(ledger.now - LIMIT.worker_kept))
local lost = {}
for i = 4, #ARGV, 3 do
  local record = ledger.load(ARGV[i])
  if not record or not ledger.holds(record, ARGV[i + 1], ARGV[i + 2]) then
    table.insert(lost, ARGV[i + 1])
  else
    ledger.renew(record, ARGV[i + 1], ARGV[i + 2], ends)
  end
end
ledger.flush()
return lost
