-- Keeps what is said of a batch as a whole, or notes that all of it is handed in.
-- KEYS: none
-- ARGV: now (ms or ''), 'open', 'close' or 'drop' (to forget it if nothing of it was recorded), the batch; to
--       open it: for how long (ms) it stays open while nothing more comes, for how long (s) it is known while
--       nothing comes at all, and pairs of what is said: source, file, path, digest, columns (JSON), sheet,
--       asks (digest of the request), expected (how many operations), webhook and mac (its signature)
-- answer: 1; 0 where it was opened before
-- work: one batch
local batch = ARGV[3]
local about = KEY.batch_about .. batch
if ARGV[2] == 'close' then
  ledger.go_on_when_full()
  ledger.close_batch(batch, true)
  return 1
end
if ARGV[2] == 'drop' then
  ledger.go_on_when_full()
  if call('EXISTS', KEY.batch .. batch) == 0 and not call('HGET', about, 'joined') then
    call('DEL', about)
    call('ZREM', KEY.open_batches, batch)
  end
  return 1
end
if call('EXISTS', about) == 1 then
  call('HSET', about, 'joined', '1')
  return 0
end
call('HSET', about, 'at', ledger.wall_text, unpack(ARGV, 6))
call('EXPIRE', about, ARGV[5])
if call('HEXISTS', about, 'webhook') == 1 then
  call('HSET', about, 'told', WEBHOOK.open, 'open_lasts', ARGV[4])
  call('ZADD', KEY.open_batches, ledger.whole(ledger.now + tonumber(ARGV[4])), batch)
end
return 1
