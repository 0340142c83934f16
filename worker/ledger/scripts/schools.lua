-- Shared by all scripts, put after followers.lua in front of each that needs it: whether a school may
-- be spoken to now, and how fast. What is read of a school or a pace is read once in a call.

-- A kind of operation that alone was locked out stays refused for so long (ms) before it counts anew.
ledger.BARRED_FOR = 3600000

function ledger.school_key(school)
  return 'classin:school:' .. school
end

-- Puts a record aside until its school may be spoken to; its message is used up.
function ledger.park(record)
  if record.state ~= 'queued' then
    ledger.enter(record, 'queued')
    ledger.put(record, 'lease', '')
  end
  ledger.marks[record].spot = 'parked'
end

ledger.schools, ledger.barred = {}, {}

-- Gives why a school is closed; without a state it is open.
function ledger.school_of(name)
  local known = ledger.schools[name]
  if not known then
    local found = call('HMGET', ledger.school_key(name),
      'state', 'by_hand', 'next_look', 'probe', 'probe_until', 'cause')
    known = {
      state = found[1], by_hand = found[2], next_look = tonumber(found[3]), probe = found[4],
      probe_until = tonumber(found[5]), cause = found[6],
    }
    ledger.schools[name] = known
  end
  return known
end

-- Gives when to look again after so many looks: the pauses are ms, separated by spaces.
function ledger.next_look(looks, pauses)
  local all = {}
  for pause in string.gmatch(pauses, '%S+') do
    table.insert(all, tonumber(pause))
  end
  return ledger.now + all[math.min(looks, #all)]
end

-- Closes a school after an operation was locked out or met maintenance, or closes it for longer;
-- one that a person paused stays as it is. Gives when the next look is due.
function ledger.close(record, state, pauses)
  local key, known = ledger.school_key(record.school), ledger.school_of(record.school)
  if known.by_hand then
    return ledger.next_look(1, pauses)
  end
  if known.state and known.probe ~= record.id then
    return known.next_look  -- sent before the school was closed: this tells nothing new
  end
  local look = ledger.next_look(call('HINCRBY', key, 'looks', 1), pauses)
  call('HSETNX', key, 'since', ledger.now_text)
  if known.state ~= state then
    call('HSET', key, 'cause', record.operation)
  end
  call('HSET', key, 'state', state, 'code', record.code or '', 'next_look', ledger.whole(look),
    'probed', record.operation)
  call('HDEL', key, 'probe')
  call('SADD', 'classin:closed', record.school)
  ledger.schools[record.school] = nil
  return look
end

-- Opens a school; whether its parked ones come back is for rescue to see.
function ledger.open(school)
  call('DEL', ledger.school_key(school))
  call('SREM', 'classin:closed', school)
  ledger.schools[school] = nil
end

-- Says whether any kind of operation of a school is barred.
function ledger.any_barred(school)
  if ledger.barred[school] == nil then
    ledger.barred[school] = call('EXISTS', 'classin:barred:' .. school) == 1
  end
  return ledger.barred[school]
end

-- Notes that ClassIn let an operation in: a closed school opens if this was its probe. If another kind
-- had been locked out, that kind alone is refused from now on.
function ledger.let_in(record)
  local school = record.school
  if ledger.any_barred(school) then
    call('HDEL', 'classin:barred:' .. school, record.operation)
  end
  local known = ledger.school_of(school)
  if known.probe ~= record.id or known.by_hand then
    return
  end
  if known.state == 'paused' and known.cause ~= record.operation then
    call('HSET', 'classin:barred:' .. school, known.cause, ledger.now_text)
    call('PEXPIRE', 'classin:barred:' .. school, ledger.BARRED_FOR)
    ledger.barred[school] = true
  end
  ledger.open(school)
end

function ledger.is_barred(record)
  local since = call('HGET', 'classin:barred:' .. record.school, record.operation)
  return since and ledger.now - tonumber(since) < ledger.BARRED_FOR
end

-- Pauses grow with each of these levels that "too fast" adds, and shrink one level in so many ms.
ledger.LEVELS, ledger.LEVEL_LASTS, ledger.FIRST_INTERVAL, ledger.BURST = 8, 30000, 50, 1000

ledger.paces, ledger.intervals = {}, {}

-- Gives the state of one pace: next free moment, end of a told pause, level now.
function ledger.pace_of(what)
  local pace = ledger.paces[what]
  if pace then
    return pace
  end
  local found = call('HMGET', 'classin:pace:' .. what, 'next', 'free_at', 'level', 'slowed_at')
  local level, slowed_at = tonumber(found[3]) or 0, tonumber(found[4]) or 0
  if level > 0 then
    local slow_for = math.max(0, ledger.now - slowed_at)  -- clocks are set back now and then
    level = math.max(0, level - math.floor(slow_for / ledger.LEVEL_LASTS))
  end
  pace = {
    following = tonumber(found[1]) or 0, free_at = tonumber(found[2]) or 0,
    level = level, slowed_at = slowed_at,
  }
  ledger.paces[what] = pace
  return pace
end

-- Finds when a request may go out, and keeps that moment for it. `interval`: least ms from one to
-- the next.
function ledger.reserve_one(what, interval)
  local pace, burst = ledger.pace_of(what), ledger.BURST
  if pace.level > 0 then
    interval, burst = math.max(interval, ledger.FIRST_INTERVAL * 2 ^ pace.level), 0
  end
  local following = pace.following
  local slot = math.max(ledger.now, pace.free_at, following - burst)
  if interval > 0 then
    pace.following = math.max(following, slot) + interval
    pace.lasts = math.max(ledger.LEVELS * ledger.LEVEL_LASTS, following - ledger.now + 2 * interval)
  end
  return slot
end

function ledger.kind_of(record)
  return record.school .. ' ' .. record.operation
end

-- Finds when a record's next request may go out: its school's pace and that of its kind there.
function ledger.reserve(record)
  local kind = ledger.kind_of(record)
  local found = ledger.intervals[kind]
  if not found then
    found = call('HMGET', 'classin:paces', kind, record.school)
    ledger.intervals[kind] = found
  end
  local slot = ledger.reserve_one(kind, tonumber(found[1]) or 0)
  if found[2] then
    slot = math.max(slot, ledger.reserve_one(record.school, tonumber(found[2])))
  end
  return slot
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

-- Writes down which moments are taken.
function ledger.flush_paces()
  for what, pace in pairs(ledger.paces) do
    local key = 'classin:pace:' .. what
    if pace.slowed then
      call('HSET', key, 'free_at', ledger.whole(pace.free_at), 'level', pace.level,
        'slowed_at', ledger.whole(pace.slowed_at))
    end
    if pace.lasts then
      if pace.following > 0 then
        call('HSET', key, 'next', ledger.whole(pace.following))
      end
      call('PEXPIRE', key, ledger.whole(pace.lasts))
    end
  end
  ledger.paces = {}
end
