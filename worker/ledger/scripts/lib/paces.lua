-- Shared by all scripts, put after ledger.lua in front of each that needs it: how fast a school may be
-- spoken to. A request takes a token of its kind ("SCHOOL OPERATION") and one of its school, where these
-- have a pace (generic cell rate algorithm), as it is claimed: nothing is kept for who is not there, so
-- it costs nothing to come late. Who finds no token waits in classin:paced:KIND, first come first served,
-- until turns.lua gives it its turn; classin:turns says when to look at each kind.

-- Pauses grow with each of these levels that "too fast" adds, and shrink one level in so many ms. Unless
-- a kind is slowed down, what it could have sent in so many ms may go at once.
ledger.LEVELS, ledger.LEVEL_LASTS, ledger.FIRST_INTERVAL, ledger.BURST = 8, 30000, 50, 1000

-- The furthest off that a kind is looked at again (ms), and that a token may be taken in advance.
ledger.LOOK_AGAIN, ledger.FARTHEST = 10000, 2000

-- What is read is read once in a call: paces by what they are of, what limits a kind, whether others of
-- it wait; and when to look at kinds of which some were put off here.
ledger.paces, ledger.limits, ledger.waiting, ledger.looks = {}, {}, {}, {}

-- Gives the state of one pace: when its next token comes about, the end of a told pause, its level now.
function ledger.pace_of(what)
  local pace = ledger.paces[what]
  if pace then
    return pace
  end
  local found = call('HMGET', 'classin:pace:' .. what, 'next', 'free_at', 'level', 'slowed_at', 'interval')
  local free_at, slowed_at = tonumber(found[2]) or 0, tonumber(found[4]) or 0
  pace = {
    following = tonumber(found[1]) or 0, interval = tonumber(found[5]) or 0, level = tonumber(found[3]) or 0,
  }
  if slowed_at > ledger.now then  -- the clock was set back: no pause gets longer by that
    free_at = free_at - slowed_at + ledger.now
    slowed_at = ledger.now
    pace.slowed = true
  end
  if pace.level > 0 then
    local slow_for = math.max(0, ledger.now - math.max(slowed_at, free_at))
    pace.level = math.max(0, pace.level - math.floor(slow_for / ledger.LEVEL_LASTS))
  end
  pace.free_at, pace.slowed_at = free_at, slowed_at
  ledger.paces[what] = pace
  return pace
end

-- Gives what limits a kind of operation: its own pace and its school's, each with the least ms between
-- two requests.
function ledger.limits_of(kind, school)
  local limits = ledger.limits[kind]
  if not limits then
    local found = call('HMGET', 'classin:paces', kind, school)
    limits = { { what = kind, interval = tonumber(found[1]) or 0 } }
    if found[2] then
      limits[2] = { what = school, interval = tonumber(found[2]) }
    end
    ledger.limits[kind] = limits
  end
  return limits
end

-- Gives the pace of a limit, the least ms between two requests now, when the next token comes about, and
-- how much earlier it may be had. Where requests may follow each other faster than when the last one went
-- out, it comes closer; where it is farther off than can be, the clock was set back.
function ledger.state_of(limit)
  local pace, interval, burst = ledger.pace_of(limit.what), limit.interval, ledger.BURST
  if pace.level > 0 then
    interval, burst = math.max(interval, ledger.FIRST_INTERVAL * 2 ^ pace.level), 0
  end
  local following = pace.following - math.max(0, pace.interval - interval)
  if following > ledger.now + ledger.FARTHEST + ledger.BURST + interval then
    following = ledger.now + burst
  end
  return pace, interval, following, burst
end

-- Finds when the next request of a kind may go out, and the longer of the intervals that it keeps.
function ledger.slot_of(kind, school)
  local slot, longest = ledger.now, 0
  for _, limit in ipairs(ledger.limits_of(kind, school)) do
    local pace, interval, following, burst = ledger.state_of(limit)
    slot = math.max(slot, pace.free_at, following - burst)
    longest = math.max(longest, interval)
  end
  return slot, longest
end

-- Takes the tokens of a request that goes out then.
function ledger.take_tokens(kind, school, slot)
  for _, limit in ipairs(ledger.limits_of(kind, school)) do
    local pace, interval, following = ledger.state_of(limit)
    if interval > 0 then
      pace.following, pace.interval = math.max(following, slot) + interval, interval
      pace.lasts = math.max(ledger.LEVELS * ledger.LEVEL_LASTS, pace.following - ledger.now + interval)
    end
  end
end

-- Gives the ms that a worker waits for a token: less for a fast pace, so that few of its threads wait.
function ledger.patience_of(interval, patience)
  return math.min(patience, 2 * interval)
end

-- Says whether others of a kind wait for their turn.
function ledger.others_wait(kind)
  if ledger.waiting[kind] == nil then
    ledger.waiting[kind] = call('EXISTS', 'classin:paced:' .. kind) == 1
  end
  return ledger.waiting[kind]
end

-- Lets a record wait for its turn. Rescue looks at it when its time is up, at `ends`; its kind is looked at
-- at `look`.
function ledger.put_off(record, look, ends)
  local kind = ledger.kind_of(record)
  ledger.enter(record, 'deferred')
  ledger.put(record, 'due_at', nil)
  ledger.put(record, 'paced', record.paced or ledger.now_text)
  local mark = ledger.marks[record]
  mark.at, mark.spot = ledger.whole(ends), 'paced'
  ledger.waiting[kind] = true
  local latest = ledger.now + ledger.LOOK_AGAIN
  ledger.looks[kind] = math.min(ledger.looks[kind] or latest, math.max(look, ledger.now))
end

-- Slows a kind of operation of a school down, for all workers: nothing for `pause` ms, then with
-- longer intervals. Many that were under way together count as one.
function ledger.slow_down(record, pause)
  local pace = ledger.pace_of(ledger.kind_of(record))
  if ledger.now - pace.slowed_at >= 1000 then
    pace.level = math.min(pace.level + 1, ledger.LEVELS)
  end
  pace.free_at, pace.slowed_at = math.max(pace.free_at, ledger.now + pause), ledger.now
  pace.lasts, pace.slowed = pause + ledger.LEVELS * ledger.LEVEL_LASTS, true
end

-- Writes down what is slowed down.
function ledger.flush_pauses()
  for what, pace in pairs(ledger.paces) do
    if pace.slowed then
      call('HSET', 'classin:pace:' .. what, 'free_at', ledger.whole(pace.free_at), 'level', pace.level,
        'slowed_at', ledger.whole(pace.slowed_at))
    end
  end
end

-- Writes down that and which tokens are taken, and when to look at the kinds of which some were put off.
function ledger.flush_paces()
  ledger.flush_pauses()
  for what, pace in pairs(ledger.paces) do
    local key = 'classin:pace:' .. what
    if pace.lasts then
      if pace.following > 0 then
        call('HSET', key, 'next', string.format('%.3f', pace.following), 'interval', pace.interval)
      end
      call('PEXPIRE', key, ledger.whole(pace.lasts))
    end
  end
  for kind, look in pairs(ledger.looks) do
    call('ZADD', 'classin:turns', 'LT', ledger.whole(look), kind)
  end
  ledger.paces, ledger.looks = {}, {}
end
