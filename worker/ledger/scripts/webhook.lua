-- Takes the webhook of a batch that has settled, to call it, or notes what came of that.
-- KEYS: none
-- ARGV: now (ms or ''), then 'take', for how long (ms) nobody else takes it, and the receivers that are called
--       already (scheme, host and port); or 'note', the batch, which taking it was, 'delivered', 'given up' or
--       'due', how many requests there were, what came of the last, and of one that is put off for how long
--       (ms), and '1' if that lengthens the next pause
-- answer: to take: nothing, or the batch, now, what is said of it and its counts, both as pairs; to note:
--         1, or 0 where another has taken it
-- work: one batch; as many receivers as are called already; 100 batches that nobody closed
ledger.go_on_when_full()

local function close_forsaken()
  local forsaken = call('ZRANGEBYSCORE', KEY.open_batches, '-inf', ledger.now_text, 'LIMIT', 0, LIMIT.batches_at_once)
  for _, batch in ipairs(forsaken) do
    ledger.close_batch(batch, false)
  end
end

-- Gives a batch of which a receiver is to be told now, if there is one.
local function due_to(origin)
  local key = KEY.webhooks .. origin
  for _ = 1, LIMIT.batches_at_once do
    local batch = call('ZRANGEBYSCORE', key, '-inf', ledger.now_text, 'LIMIT', 0, 1)[1]
    if not batch or call('HGET', KEY.batch_about .. batch, 'told') == WEBHOOK.due then
      return batch
    end
    call('ZREM', key, batch)
  end
end

local function take(lasts, called)
  close_forsaken()
  local some = call('ZRANGEBYSCORE', KEY.receivers, '-inf', ledger.now_text, 'LIMIT', 0, #ARGV - 2)
  for _, origin in ipairs(some) do
    local batch = not called[origin] and due_to(origin)
    if batch then
      local about = KEY.batch_about .. batch
      call('HSETNX', about, 'first_at', ledger.wall_text)
      call('HINCRBY', about, 'takes', 1)
      ledger.call_at(batch, origin, ledger.whole(ledger.now + lasts))
      return { batch, ledger.wall_text, call('HGETALL', about), call('HGETALL', KEY.batch .. batch) }
    end
    if not called[origin] then
      ledger.reorder_calls(origin)
    end
  end
  return {}
end

local function note(batch, token, told, tries, said, due_in, counts)
  local about = KEY.batch_about .. batch
  local takes, was, url = unpack(call('HMGET', about, 'takes', 'told', 'webhook'))
  if takes ~= token or was ~= WEBHOOK.due then
    return 0
  end
  call('HSET', about, 'told', told, 'tries', tries, 'said', said)
  if told ~= WEBHOOK.due then
    ledger.call_at(batch, url, nil)
    call('HDEL', about, 'due_at')
    if call('EXISTS', KEY.batch .. batch) == 0 then
      call('DEL', about)  -- its records were pruned meanwhile
    end
    return 1
  end
  local due_at = ledger.whole(ledger.now + due_in)
  call('HSET', about, 'due_at', due_at)
  ledger.call_at(batch, url, due_at)
  if counts ~= '' then
    call('HINCRBY', about, 'deferrals', 1)
  end
  return 1
end

if ARGV[2] == 'take' then
  local called = {}
  for i = 4, #ARGV do
    called[ARGV[i]] = true
  end
  return take(tonumber(ARGV[3]), called)
end
return note(ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8]), ARGV[9])
