-- Gives what is queued but has lost its message: it was sent well before what workers took last, or
-- long ago while no message waits at all.
-- KEYS: none
-- ARGV: now (ms or ''), how many at most, sent earlier by (ms), '1' if no message waits or ''
-- answer: id, operation, priority of each for which a message must be sent
local messages = {}
local slack, most = tonumber(ARGV[3]), tonumber(ARGV[2])
local before = ARGV[4] ~= '' and ledger.now - slack or nil
local reached = call('HGETALL', 'classin:frontier')
local frontier = {}
for i = 1, #reached, 2 do
  frontier[reached[i]] = tonumber(reached[i + 1]) - slack
end
for _, id in ipairs(call('ZRANGEBYSCORE', 'classin:queued', '-inf', ledger.whole(ledger.now - slack), 'LIMIT', 0, most)) do
  local record = ledger.load(id)
  local sent = tonumber(call('ZSCORE', 'classin:queued', id))
  if not record then
    call('ZREM', 'classin:queued', id)
  elseif before or sent < (frontier[record.priority or ''] or 0) then
    call('ZADD', 'classin:queued', ledger.whole(ledger.now), id)
    ledger.add_message(messages, record)
  end
end
return messages
