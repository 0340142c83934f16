-- Gives those whose turn it is by their pace, oldest first: who asks claims them at once, without a
-- message. It is the claim that takes the tokens; until these come about the kind is not looked at again.
-- KEYS: none
-- ARGV: now (ms or ''), how many at most, patience (ms that the worker would wait for the pace)
-- answer: after how many ms to look again ('': nobody waits), then id, operation, priority, suspect ('1'
--         or '') of each
-- work: as many records as asked for, and two looks at 100 kinds
local most, patience = tonumber(ARGV[2]), tonumber(ARGV[3])
local messages, left = {}, most

-- Gives the kinds of a time to look, with who is first of each; those of a clock that was set back as well.
local function kinds_to_look_at()
  local latest = '(' .. ledger.whole(ledger.now + LIMIT.look_again)
  local found = {}
  for _, range in ipairs({ { '-inf', ledger.now_text }, { latest, '+inf' } }) do
    for _, kind in ipairs(call('ZRANGEBYSCORE', KEY.turns, range[1], range[2], 'LIMIT', 0, LIMIT.kinds_at_once)) do
      local first = call('ZRANGE', KEY.paced .. kind, 0, 0, 'WITHSCORES')
      found[#found + 1] = { name = kind, first = tonumber(first[2]) or 0 }
    end
  end
  table.sort(found, function(a, b) return a.first < b.first end)
  return found
end

-- Lets a record be claimed; gives whether it waited.
local function give(kind, id)
  local record = ledger.load(id)
  if not (record and ledger.is_paced(record)) then
    call('ZREM', KEY.paced .. kind, id)
    return false
  end
  ledger.enter(record, STATE.queued)
  ledger.put(record, 'lease', '')
  ledger.add_message(messages, record)
  left = left - 1
  return true
end

-- Gives those of a kind for whom there are tokens, and when to look at it again.
local function look_at(kind)
  local school = string.match(kind, '^(.*) ')
  local slot, interval = ledger.slot_of(kind, school)
  for _, id in ipairs(left > 0 and call('ZRANGE', KEY.paced .. kind, 0, left - 1) or {}) do
    if slot > ledger.now + ledger.patience_of(interval, patience) then
      break
    end
    if give(kind, id) then
      ledger.take_tokens(kind, school, slot)  -- in this script's memory only
      slot, interval = ledger.slot_of(kind, school)
    end
  end
  local look = slot - ledger.patience_of(interval, patience)
  return math.max(ledger.now, math.min(look, ledger.now + LIMIT.look_again))
end

local looks = {}
for _, kind in ipairs(kinds_to_look_at()) do
  looks[kind.name] = look_at(kind.name)
end
ledger.flush()
ledger.flush_pauses()
for kind, look in pairs(looks) do
  if call('EXISTS', KEY.paced .. kind) == 1 then
    call('ZADD', KEY.turns, ledger.whole(look), kind)
  else
    call('ZREM', KEY.turns, kind)
  end
end
local next_look = call('ZRANGE', KEY.turns, 0, 0, 'WITHSCORES')[2]
return { next_look and ledger.whole(math.max(0, tonumber(next_look) - ledger.now)) or '', unpack(messages) }
