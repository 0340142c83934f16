-- Notes what came of claims, then takes the lease on other records: many of both in one call.
-- A note puts its record where it stands now: still running (the lease is renewed), given back to the
-- queue, deferred, or settled. What the reply told of the school is kept as well. A record that is to
-- be cancelled is so now, unless it settled. Only the holder of the lease may; saying the same twice
-- changes nothing.
-- What may be claimed is queued, or deferred and due, its school may be spoken to, there is room for
-- it, and its pace allows a request. Else it is put where it waits for that: what is of a closed or
-- full school is parked, until the next look makes one of them the probe; what would be too fast waits
-- for its turn. Claiming again under the same lease gives the same answer. A suspect (its worker died) is
-- taken only as far as the worker has room for suspects: then it is clear who kills the next one.
-- KEYS: none
-- ARGV: now (ms or ''), and JSON: notes, each a list of id, lease, token (which claim of the record it
--       is), state, code or '', message, result (JSON or ''), attempt (one line, or ''), its number,
--       'in', 'locked' or 'held' (what the reply told of the school) or '', and where there is more to
--       say an object of reason, already ('1'), maybe_applied ('1'), late ('1': it may be carried out still), due_in (ms), counts ('1': this deferral
--       counts), lasts (ms: a running one's lease), slow_down (ms), looks (a list of ms);
--       asked: a list of id, lease, id, lease; messageless: ids of those whose message did not come
--       through the queue just now; worker; lasts (ms); patience (ms that the worker would wait for the
--       pace before a first request); longest (the same between two attempts); gives_up (ms that a
--       record waits for its turn); any (how many of each school are taken; missing: all); of (by
--       school: how many more of it); suspects (how many of them are taken; missing: all);
--       late_window (ms)
-- answer: JSON: now; noted: for each note '' when the lease is another's, 'unsound' when it, or its record,
--         cannot be worked with, or a list of the state, how
--         long to wait before the next request (ms), and id, operation, priority, suspect ('1' or '')
--         of each for which a message must be sent; claims: for each id 'missing', 'busy' (leased, not
--         due, blocked or settled), 'suspect' (no room for it: ask again), 'quiet' (its lane is), 'parked'
--         or 'paced', or a list of how long to wait before the request (ms), and the whole record
-- work: a record for each note and each that is asked for, 256 of either, and 500 followers and lanes
--       in all, shared among the notes; KEY.releasing keeps the others
local given = cjson.decode(ARGV[2])

local NOTHING = {}

-- Gives a text, or nil for one that is empty.
local function filled(text)
  return text ~= '' and text or nil
end

local function note_attempt(record, attempt, number, maybe_applied)
  if attempt ~= '' then
    local lines = record.attempts or ''
    local _, noted = string.gsub(lines, '\n', '\n')
    if noted < number then
      ledger.put(record, 'attempts', lines .. attempt .. '\n')
      ledger.marks[record].took = tonumber(string.match(attempt, '^%[%d+,%d+,(%d+)'))
    end
  end
  ledger.put(record, 'sending', nil)
  if maybe_applied then
    ledger.put(record, 'maybe_applied', maybe_applied)
  end
end

-- Keeps what the reply told of the school, which may change where the record stands; gives its state,
-- and for how long it is deferred.
local function note_school(record, access, state, more)
  local due_in = more.due_in or 0
  if access == SIGNAL.let_in then
    ledger.let_in(record)
  elseif access == SIGNAL.maintenance then
    due_in = ledger.close(record, CLOSURE.held, more.looks) - ledger.now
  elseif access == SIGNAL.locked_out and ledger.is_barred(record) then
    state = STATE.failed
    ledger.put(record, 'reason', REASON.refused)
  elseif access == SIGNAL.locked_out then
    ledger.close(record, CLOSURE.paused, more.looks)
  end
  if more.slow_down then
    ledger.slow_down(record, more.slow_down)
  end
  return state, due_in
end

-- Lets a record wait for its turn, for so long after it did so first.
local function put_off(record, look)
  ledger.put_off(record, look, (tonumber(record.paced) or ledger.now) + given.gives_up)
end

-- Lets a record go on to its next attempt, unless its pace makes it wait for too long; gives where it
-- stands, and how long to wait.
local function go_on(record, lasts)
  local kind = ledger.kind_of(record)
  local slot = ledger.slot_of(kind, record.school)
  if slot > ledger.now + given.longest then
    put_off(record, slot)
    return STATE.deferred, 0
  end
  ledger.take_tokens(kind, record.school, slot)
  ledger.enter(record, STATE.running, ledger.now + lasts)
  return STATE.running, slot - ledger.now
end

-- Puts a record where it stands after an attempt; gives that, and how long to wait for the next.
local function move(record, state, due_in, access, more, messages)
  if ledger.SETTLED[state] then
    ledger.settle(record, state)
  elseif state == STATE.running then
    return go_on(record, more.lasts or 0)
  elseif state == STATE.deferred then
    ledger.enter(record, STATE.deferred, ledger.now + due_in)
    if more.counts then
      ledger.put(record, 'deferrals', ledger.whole((tonumber(record.deferrals) or 0) + 1))
    end
  elseif access == SIGNAL.locked_out then
    ledger.park(record)
  else
    ledger.to_queue(record, messages)
  end
  return state, 0
end

local TIMES = { 'due_in', 'lasts', 'slow_down' }

-- Says whether these are times, at least one of them.
local function are_times(list)
  for _, time in ipairs(list or NOTHING) do
    if type(time) ~= 'number' then
      return false
    end
  end
  return list and #list > 0
end

-- Says whether a note can be worked with to its end. It is asked before anything is changed, so that one
-- that cannot harms no other of its exchange.
local function is_sound(note, record)
  local more = note[11] or NOTHING
  for _, name in ipairs(TIMES) do
    local time = more[name]
    if time ~= nil and not (type(time) == 'number' and time >= 0 and time <= LIMIT.longest_span) then
      return false
    end
  end
  local closes = note[10] == SIGNAL.maintenance or note[10] == SIGNAL.locked_out
  return tonumber(note[3]) and type(note[9]) == 'number' and (not closes or are_times(more.looks))
    and tonumber(record.sequence) and tonumber(record.enqueued_at)
end

-- How many notes are still to be taken.
local notes_left = #given.notes

local function take_note(note)
  notes_left = notes_left - 1
  local id, lease, token, state, code, message, result, attempt, number, access, more = unpack(note)
  local record = ledger.load(id)
  if not record or not ledger.holds(record, lease, token) then
    return ''
  end
  if not is_sound(note, record) then
    return 'unsound'
  end
  if ledger.SETTLED[record.state] or (record.state == STATE.deferred and record.lease == lease) then
    return { record.state, 0 }  -- said before
  end
  more = more or NOTHING
  ledger.renew(record, lease, token, ledger.now)
  note_attempt(record, attempt, number, more.maybe_applied)
  if more.late then
    ledger.keep_quiet(record)
  end
  ledger.put(record, 'code', filled(code))
  ledger.put(record, 'message', filled(message))
  ledger.put(record, 'reason', more.reason)
  ledger.put(record, 'result', filled(result))
  ledger.put(record, 'already', more.already)
  local due_in
  state, due_in = note_school(record, access, state, more)
  if attempt ~= '' and state ~= STATE.running then
    ledger.put(record, 'lost_workers', nil)  -- its worker lived through all of it
  end
  if not ledger.SETTLED[state] and record.cancel then
    state = STATE.cancelled
  end
  local messages = {}
  local answer = { move(record, state, due_in, access, more, messages) }
  ledger.release(ledger.share_of(notes_left + 1), messages)
  for i, each in ipairs(messages) do
    answer[i + 2] = each
  end
  return answer
end

local function may_pass(record)
  local known = ledger.school_of(record.school)
  if not known.state then
    return true
  end
  if known.by_hand or known.next_look > ledger.now then
    return false
  end
  if known.probe and known.probe ~= record.id and known.probe_until > ledger.now then
    return false
  end
  known.probe, known.probe_until = record.id, ledger.now + LIMIT.probe_lasts
  call('HSET', ledger.school_key(record.school), 'probe', record.id,
    'probe_until', ledger.whole(known.probe_until))
  return true
end

-- How far the queue has come, by priority: as Redis has it, and as this call finds it.
local reached, came = {}, {}

local messageless = {}
for _, id in ipairs(given.messageless or NOTHING) do
  messageless[id] = true
end

-- Remembers how far the queue has come: what was sent earlier and is queued still has no message. Only
-- a message that came out of it tells that, and only if it must be the one that was sent last.
local function note_progress(record)
  local priority = ledger.priority_of(record)
  local sent, resent = call('ZSCORE', KEY.queued .. priority, record.id), record.resent
  ledger.marks[record].sent = sent
  ledger.put(record, 'resent', nil)
  if not sent or resent or messageless[record.id] then
    return
  end
  if reached[priority] == nil then
    reached[priority] = tonumber(call('HGET', KEY.frontier, priority)) or false
  end
  if not reached[priority] or tonumber(sent) > reached[priority] then
    reached[priority], came[priority] = tonumber(sent), sent
  end
end

local left = given.of

-- Says how many more of a school are taken; nil: as many as come.
local function room_of(school)
  return left[school] or given.any
end

-- Finds whether a record may go out now, and puts it elsewhere if not; gives why not, or how long to
-- wait.
local function refuse(record)
  note_progress(record)
  if ledger.is_suspect(record) and given.suspects and given.suspects <= 0 then
    return 'suspect'
  end
  local quiet_until = ledger.quiet_until(record, given.late_window)
  if quiet_until then
    ledger.enter(record, STATE.deferred, quiet_until)
    ledger.put(record, 'paced', nil)
    ledger.put(record, 'quiet', '1')
    return 'quiet'
  end
  local room = room_of(record.school)
  if (room and room <= 0) or not may_pass(record) then
    ledger.park(record)
    return 'parked'
  end
  local kind = ledger.kind_of(record)
  local slot, interval = ledger.slot_of(kind, record.school)
  local patience = ledger.patience_of(interval, given.patience)
  local limited = interval > 0 or slot > ledger.now
  if slot > ledger.now + patience or (limited and not record.paced and ledger.others_wait(kind)) then
    put_off(record, slot - patience)
    return 'paced'
  end
  ledger.take_tokens(kind, record.school, slot)
  ledger.put(record, 'claims', ledger.whole((tonumber(record.claims) or 0) + 1))
  return nil, slot - ledger.now
end

local function claim(id, lease)
  if ledger.records[id] then
    ledger.flush_all()  -- its note comes first
  end
  local record = ledger.load(id)
  if not record then
    return 'missing'
  end
  local wait = 0
  if not (record.state == STATE.running and record.lease == lease) then
    local due = record.state == STATE.deferred and (tonumber(record.due_at) or math.huge) <= ledger.now
    if record.state ~= STATE.queued and not due then
      return 'busy'
    end
    local why
    why, wait = refuse(record)
    if why then
      return why
    end
  end
  local room = room_of(record.school)
  left[record.school] = room and room - 1
  if ledger.is_suspect(record) and given.suspects then
    given.suspects = given.suspects - 1
  end
  ledger.enter(record, STATE.running, ledger.now + given.lasts)
  ledger.put(record, 'lease', lease)
  ledger.put(record, 'worker', given.worker)
  ledger.put(record, 'started_at', record.started_at or ledger.wall_text)
  return { wait, record }
end

-- Notes go on where Redis is full; claims do not, which would fill it further.
local full
if #given.notes > 0 then
  full = redis.pcall('SETRANGE', KEY.sequence, 0, '')
  if type(full) == 'table' and full.err then
    ledger.go_on_when_full()
  else
    full = nil
  end
end
local noted, claims = {}, {}
for i, note in ipairs(given.notes) do
  noted[i] = take_note(note)
end
if not full then
  for i = 1, #given.asked, 2 do
    claims[#claims + 1] = claim(given.asked[i], given.asked[i + 1])
  end
end
ledger.flush_all()
ledger.flush_paces()
for priority, sent in pairs(came) do
  call('HSET', KEY.frontier, priority, sent)
end
return cjson.encode({ now = ledger.wall, noted = noted, claims = claims, full = full ~= nil })
