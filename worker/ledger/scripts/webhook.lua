-- Takes the webhook of a batch that has settled, to call it, or notes what came of that.
-- KEYS: none
-- ARGV: now (ms or ''), then 'take' and for how long (ms) nobody else takes it; or 'note', the batch, which
--       taking it was, 'delivered', 'given up' or 'due', how many requests there were, what came of the
--       last, and of one that is put off for how long (ms), and '1' if that lengthens the next pause
-- answer: to take: nothing, or the batch, now, what is said of it and its counts, both as pairs; to note:
--         1, or 0 where another has taken it
-- work: one batch; of those that nobody closed, all whose time has come
ledger.go_on_when_full()

local function take(lasts)
  while true do
    local batch = call('ZRANGEBYSCORE', 'classin:webhooks', '-inf', ledger.now_text, 'LIMIT', 0, 1)[1]
    if not batch then
      return {}
    end
    local about = 'classin:batch-about:' .. batch
    local told = call('HGET', about, 'told')
    if told == 'due' then
      call('HSETNX', about, 'first_at', ledger.now_text)
      call('HINCRBY', about, 'takes', 1)
      call('ZADD', 'classin:webhooks', ledger.whole(ledger.now + lasts), batch)
      return { batch, ledger.now_text, call('HGETALL', about), call('HGETALL', 'classin:batch:' .. batch) }
    end
    call('ZREM', 'classin:webhooks', batch)
    if told == 'open' then
      ledger.close_batch(batch)  -- who handed it in is gone
    end
  end
end

local function note(batch, token, told, tries, said, due_in, counts)
  local about = 'classin:batch-about:' .. batch
  local known = call('HMGET', about, 'takes', 'told')
  if known[1] ~= token or known[2] ~= 'due' then
    return 0
  end
  call('HSET', about, 'told', told, 'tries', tries, 'said', said)
  if told ~= 'due' then
    call('ZREM', 'classin:webhooks', batch)
    call('HDEL', about, 'due_at')
    return 1
  end
  local due_at = ledger.whole(ledger.now + due_in)
  call('HSET', about, 'due_at', due_at)
  call('ZADD', 'classin:webhooks', due_at, batch)
  if counts ~= '' then
    call('HINCRBY', about, 'deferrals', 1)
  end
  return 1
end

if ARGV[2] == 'take' then
  return take(tonumber(ARGV[3]))
end
return note(ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8]), ARGV[9])
