-- Shared by all scripts, put after ledger.lua in front of each that needs it: how fast a school may be
-- spoken to. A request takes a token of its kind ("SCHOOL OPERATION") and one of its school, where these
-- have a pace (generic cell rate algorithm), as it is claimed: nothing is kept for who is not there, so
-- it costs nothing to come late. Who finds no token waits in KEY.paced, first come first served,
-- until turns.lua gives it its turn; KEY.turns says when to look at each kind.

-- What is read is read once in a call: paces by what they are of, what limits a kind, whether others of
-- it wait; and when to look at kinds of which some were put off here.
ledger.paces, ledger.limits, ledger.waiting, ledger.looks = {}, {}, {}, {}

-- Gives the state of one pace: when its next token comes about, the end of a told pause, its level now.
function ledger.pace_of(what)
  local pace = ledger.paces[what]
  if pace then
    return pace
  end
  local found = call('HMGET', KEY.pace .. what, 'next', 'free_at', 'level', 'slowed_at', 'interval')
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
    pace.level = math.max(0, pace.level - math.floor(slow_for / LIMIT.level_lasts))
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
    local found = call('HMGET', KEY.paces, kind, school)
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
  local pace, interval, burst = ledger.pace_of(limit.what), limit.interval, LIMIT.burst
  if pace.level > 0 then
    interval, burst = math.max(interval, LIMIT.first_interval * 2 ^ pace.level), 0
  end
  local following = pace.following - math.max(0, pace.interval - interval)
  if following > ledger.now + LIMIT.farthest_token + LIMIT.burst + interval then
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
      pace.lasts = math.max(LIMIT.levels * LIMIT.level_lasts, pace.following - ledger.now + interval)
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
    ledger.waiting[kind] = call('EXISTS', KEY.paced .. kind) == 1
  end
  return ledger.waiting[kind]
end

-- Lets a record wait for its turn. Rescue looks at it when its time is up, at `ends`; its kind is looked at
-- at `look`.
function ledger.put_off(record, look, ends)
  local kind = ledger.kind_of(record)
  ledger.enter(record, STATE.deferred)
  ledger.put(record, 'due_at', nil)
  ledger.put(record, 'paced', record.paced or ledger.now_text)
  local mark = ledger.marks[record]
  mark.at, mark.spot = ledger.whole(ends), 'paced'
  ledger.waiting[kind] = true
  local latest = ledger.now + LIMIT.look_again
  ledger.looks[kind] = math.min(ledger.looks[kind] or latest, math.max(look, ledger.now))
end

-- Slows a kind of operation of a school down, for all workers: nothing for `pause` ms, then with
-- longer intervals. Many that were under way together count as one.
function ledger.slow_down(record, pause)
  local pace = ledger.pace_of(ledger.kind_of(record))
  if ledger.now - pace.slowed_at >= LIMIT.slowed_once_in then
    pace.level = math.min(pace.level + 1, LIMIT.levels)
  end
  pace.free_at, pace.slowed_at = math.max(pace.free_at, ledger.now + pause), ledger.now
  pace.lasts, pace.slowed = pause + LIMIT.levels * LIMIT.level_lasts, true
end

-- Writes down what is slowed down.
function ledger.flush_pauses()
  for what, pace in pairs(ledger.paces) do
    if pace.slowed then
      call('HSET', KEY.pace .. what, 'free_at', ledger.whole(pace.free_at), 'level', pace.level,
        'slowed_at', ledger.whole(pace.slowed_at))
    end
  end
end

-- Writes down that and which tokens are taken, and when to look at the kinds of which some were put off.
function ledger.flush_paces()
  ledger.flush_pauses()
  for what, pace in pairs(ledger.paces) do
    local key = KEY.pace .. what
    if pace.lasts then
      if pace.following > 0 then
        call('HSET', key, 'next', string.format('%.3f', pace.following), 'interval', pace.interval)
      end
      call('PEXPIRE', key, ledger.whole(pace.lasts))
    end
  end
  for kind, look in pairs(ledger.looks) do
    call('ZADD', KEY.turns, 'LT', ledger.whole(look), kind)
  end
  ledger.paces, ledger.looks = {}, {}
end
