-- Shared by all scripts, put after followers.lua in front of each that needs it: whether a school may
-- be spoken to now. What is read of a school is read once in a call.

function ledger.school_key(school)
  return KEY.school .. school
end

-- Puts a record aside until its school may be spoken to; its message is used up. It does not wait for
-- its pace meanwhile.
function ledger.park(record)
  if record.state ~= STATE.queued then
    ledger.enter(record, STATE.queued)
    ledger.put(record, 'lease', '')
  end
  ledger.put(record, 'paced', nil)
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

-- Gives when to look again after so many looks, by the pauses between them (ms).
function ledger.next_look(looks, pauses)
  return ledger.now + pauses[math.min(looks, #pauses)]
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
  call('HSETNX', key, 'since', ledger.wall_text)
  if known.state ~= state then
    call('HSET', key, 'cause', record.operation)
  end
  call('HSET', key, 'state', state, 'code', record.code or '', 'next_look', ledger.whole(look),
    'probed', record.operation)
  call('HDEL', key, 'probe')
  call('SADD', KEY.closed, record.school)
  ledger.schools[record.school] = nil
  return look
end

-- Opens a school; whether its parked ones come back is for rescue to see.
function ledger.open(school)
  call('DEL', ledger.school_key(school))
  call('SREM', KEY.closed, school)
  ledger.schools[school] = nil
end

-- Says whether any kind of operation of a school is barred.
function ledger.any_barred(school)
  if ledger.barred[school] == nil then
    ledger.barred[school] = call('EXISTS', KEY.barred .. school) == 1
  end
  return ledger.barred[school]
end

-- Notes that ClassIn let an operation in: a closed school opens if this was its probe. If another kind
-- had been locked out, that kind alone is refused from now on.
function ledger.let_in(record)
  local school = record.school
  if ledger.any_barred(school) then
    call('HDEL', KEY.barred .. school, record.operation)
  end
  local known = ledger.school_of(school)
  if known.probe ~= record.id or known.by_hand then
    return
  end
  if known.state == CLOSURE.paused and known.cause ~= record.operation then
    call('HSET', KEY.barred .. school, known.cause, ledger.now_text)
    call('PEXPIRE', KEY.barred .. school, LIMIT.barred_for)
    ledger.barred[school] = true
  end
  ledger.open(school)
end

function ledger.is_barred(record)
  local since = call('HGET', KEY.barred .. record.school, record.operation)
  return since and ledger.now - tonumber(since) < LIMIT.barred_for
end
