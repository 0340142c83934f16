-- Gives what is queued but has lost its message: of its priority, workers took what was sent well after
-- it, or no message waits at all, and it was sent long ago.
-- KEYS: none
-- ARGV: now (ms or ''), how many of each priority at most, sent earlier by (ms), then each priority and
--       '1' if no message of it waits, or ''
-- answer: id, operation, priority, suspect ('1' or '') of each for which a message must be sent
-- work: as many queued records of each priority as asked for
local messages = {}
local most, slack = ARGV[2], tonumber(ARGV[3])

local function find_lost(priority, none_waits)
  local key, before = KEY.queued .. priority, ledger.whole(ledger.now - slack)
  if not none_waits then
    local reached = tonumber(call('HGET', KEY.frontier, priority)) or 0
    before = '(' .. ledger.whole(math.min(reached, ledger.now) - slack)
  end
  for _, id in ipairs(call('ZRANGEBYSCORE', key, '-inf', before, 'LIMIT', 0, most)) do
    local record = ledger.load(id)
    if record then
      call('ZADD', key, ledger.now_text, id)
      ledger.put(record, 'resent', '1')  -- both of its messages may come
      ledger.add_message(messages, record)
    else
      call('ZREM', key, id)
    end
  end
end

for i = 4, #ARGV, 2 do
  find_lost(ARGV[i], ARGV[i + 1] ~= '')
end
ledger.flush()
return messages
