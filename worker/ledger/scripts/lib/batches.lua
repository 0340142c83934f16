-- Shared by all scripts, put after ledger.lua in front of each that needs it: batches of whose end somebody
-- is to be told. Where that stands is `told` of KEY.batch_about 'open' while operations are handed
-- in (at most until its moment in KEY.open_batches, which each part sets anew), 'waiting' until they
-- are settled, 'due', and then 'delivered' or 'given up'. `complete` is set once all of it is handed in: a
-- batch that broke off is told of as a part, and told of anew once the rest has come.

-- Gives scheme, host and port of an address: one receiver, whom calls go to one after the other.
function ledger.origin_of(url)
  return string.match(url, '^[^/]*//[^/?#]*') or ''
end

-- Notes when the first call to a receiver is due.
function ledger.reorder_calls(origin)
  local first = call('ZRANGE', KEY.webhooks .. origin, 0, 0, 'WITHSCORES')
  if first[1] then
    call('ZADD', KEY.receivers, first[2], origin)
  else
    call('ZREM', KEY.receivers, origin)
  end
end

-- Lets a receiver be called because of a batch, at a moment (text) or no more (nil).
function ledger.call_at(batch, url, at)
  local origin = ledger.origin_of(url)
  if at then
    call('ZADD', KEY.webhooks .. origin, at, batch)
  else
    call('ZREM', KEY.webhooks .. origin, batch)
  end
  ledger.reorder_calls(origin)
end

-- Begins to tell of a batch anew: whoever calls because of it now has no say any more.
local function tell_anew(batch, about, url)
  call('HINCRBY', about, 'tellings', 1)
  call('HINCRBY', about, 'takes', 1)
  call('HDEL', about, 'tries', 'deferrals', 'first_at', 'said', 'settled_at', 'due_at')
  ledger.call_at(batch, url, nil)
end

-- Says whether as many of a batch are recorded as were to be.
local function has_all(batch, expected)
  local there = 0
  for _, number in ipairs(call('HVALS', KEY.batch .. batch)) do
    there = there + tonumber(number)
  end
  return expected and there >= tonumber(expected)
end

-- Lets somebody be told that a batch has settled, if all of it has.
function ledger.look_at_batch(batch)
  for _, left in ipairs(call('HMGET', KEY.batch .. batch, unpack(LIST.unsettled))) do
    if left then
      return
    end
  end
  local about = KEY.batch_about .. batch
  local told, expected, url = unpack(call('HMGET', about, 'told', 'expected', 'webhook'))
  if told == WEBHOOK.open and has_all(batch, expected) then
    call('ZREM', KEY.open_batches, batch)
    call('HSET', about, 'told', WEBHOOK.waiting, 'complete', '1')
  elseif told ~= WEBHOOK.waiting then
    return
  end
  call('HSET', about, 'told', WEBHOOK.due, 'settled_at', ledger.wall_text, 'due_at', ledger.now_text)
  ledger.call_at(batch, url, ledger.now_text)
end

-- Notes that no more of a batch is handed in: `whole` if whoever did so says that this is all. One without any
-- operation is forgotten.
function ledger.close_batch(batch, whole)
  local about = KEY.batch_about .. batch
  local told, complete, expected, url =
    unpack(call('HMGET', about, 'told', 'complete', 'expected', 'webhook'))
  call('ZREM', KEY.open_batches, batch)
  if call('EXISTS', KEY.batch .. batch) == 0 then
    call('DEL', about)
    return
  end
  if not told or complete then
    return
  end
  whole = whole or has_all(batch, expected)
  if told ~= WEBHOOK.open and not whole then
    return
  end
  if whole then
    call('HSET', about, 'complete', '1')
  end
  if told ~= WEBHOOK.open and told ~= WEBHOOK.waiting then
    tell_anew(batch, about, url)
  end
  call('HSET', about, 'told', WEBHOOK.waiting)
  ledger.look_at_batch(batch)
end

-- Notes that some more of a batch is handed in.
function ledger.go_on_with_batch(batch)
  local about = KEY.batch_about .. batch
  local told, lasts, url = unpack(call('HMGET', about, 'told', 'open_lasts', 'webhook'))
  call('PERSIST', about)
  if not told then
    return
  end
  if told ~= WEBHOOK.open and told ~= WEBHOOK.waiting then
    tell_anew(batch, about, url)
  end
  call('HSET', about, 'told', WEBHOOK.open)
  call('HDEL', about, 'complete')
  call('ZADD', KEY.open_batches, ledger.whole(ledger.now + tonumber(lasts)), batch)
end
