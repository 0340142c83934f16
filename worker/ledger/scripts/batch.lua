-- Keeps what is said of a batch as a whole, or notes that all of it is handed in.
-- KEYS: none
-- ARGV: now (ms or ''), 'open' or 'close', the batch; to open it: after how long (ms) it counts as handed
--       in by itself, 0 where nobody is to be told of it, and pairs of what is said: source, file, path,
--       digest, columns (JSON), sheet, asks (digest of the request), webhook
-- answer: 1; 0 where it was opened before
-- work: one batch
local batch = ARGV[3]
if ARGV[2] == 'close' then
  ledger.go_on_when_full()
  ledger.close_batch(batch)
  return 1
end
local about = 'classin:batch-about:' .. batch
if call('EXISTS', about) == 1 then
  return 0
end
call('HSET', about, 'at', ledger.now_text, unpack(ARGV, 5))
if ARGV[4] ~= '0' then
  call('HSET', about, 'told', 'open')
  call('ZADD', 'classin:webhooks', ledger.whole(ledger.now + tonumber(ARGV[4])), batch)
end
return 1
