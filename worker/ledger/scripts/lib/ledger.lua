-- Shared by all scripts, put after clock.lua in front of each that needs it: the records, and what is
-- written of them. A script changes records in its own memory; `flush` at its end writes down what
-- became of them, each index and each count once. Keys are named here as keys.py lists them.
-- `ledger.now` is for what is scheduled, `ledger.wall` for what people are told: see clock.lua.
--
-- What is shared stands in one table: a function of Lua costs by the locals around it that it uses,
-- each time that a script runs.
local call, ledger = redis.call, {}

ledger.whole = clock.text
ledger.now, ledger.now_text, ledger.wall, ledger.wall_text = clock.now, clock.text(clock.now), clock.wall, clock.text(clock.wall)

-- Lets a script go on where Redis has no room left (maxmemory): what is under way must be noted. Redis
-- asks for room at a script's first write only, and not when that takes away.
function ledger.go_on_when_full()
  call('HDEL', KEY.counts, '')
end

function ledger.record_key(id)
  return KEY.record .. id
end

function ledger.kind_of(record)
  return record.school .. ' ' .. record.operation
end

-- What is added to sorted sets (score, member and so on) and taken out of them, by the beginning of a
-- key and its end, which are put together only once; the same of indexes, by property and value; and
-- what is counted, by key.
ledger.added, ledger.removed, ledger.listed, ledger.unlisted = {}, {}, {}, {}
ledger.tallied = {}

-- Batches of which something settles here, and of whose end somebody is to be told.
ledger.telling = {}

-- Gives the list of one key, in a table of such lists.
local function list_of(lists, key, name)
  local names = lists[key]
  if not names then
    names = {}
    lists[key] = names
  end
  local list = names[name]
  if not list then
    list = {}
    names[name] = list
  end
  return list
end

local function append_two(list, first, second)
  local n = #list
  list[n + 1], list[n + 2] = first, second
end

function ledger.add(key, name, score, member)
  append_two(list_of(ledger.added, key, name), score, member)
end

function ledger.list(property, value, sequence, id)
  append_two(list_of(ledger.listed, property, value), sequence, id)
end

function ledger.remove(key, name, member)
  table.insert(list_of(ledger.removed, key, name), member)
end

function ledger.unlist(property, value, id)
  table.insert(list_of(ledger.unlisted, property, value), id)
end

function ledger.tally(key, name, by)
  local names = ledger.tallied[key]
  if not names then
    names = {}
    ledger.tallied[key] = names
  end
  names[name] = (names[name] or 0) + by
end

-- Counts records of an operation in a state.
function ledger.count(operation, state, by)
  ledger.tally(KEY.counts, cjson.encode({ operation, state }), by)
end

-- How often what happened in this hour, by the fields of KEY.hour: JSON lists, see hourly_stats.py.
ledger.happened = {}

function ledger.happen(...)
  local what = cjson.encode({ ... })
  ledger.happened[what] = (ledger.happened[what] or 0) + 1
end

-- Gives the step of a time (ms) on a scale on which so many steps double it; below a millisecond it is 0.
local DOUBLING = math.log(2)
function ledger.step_of(ms, steps)
  return ms < 1 and 0 or 1 + math.floor(steps * math.log(ms) / DOUBLING + 1e-9)
end

function ledger.send(command, start, middle, lists)
  for key, names in pairs(lists) do
    for name, list in pairs(names) do
      for from = 1, #list, LIMIT.arguments_at_once do
        local last = math.min(from + LIMIT.arguments_at_once - 1, #list)
        call(command, start .. key .. middle .. name, unpack(list, from, last))
      end
    end
  end
end

-- Of each record at hand what is to be written of it: `state`, `code` and `reason` as Redis has them, changed
-- fields (false: to be taken out), `at`: when rescue is to look at it, `spot`: where it waits from now
-- on ('queued', 'parked' or 'paced'), `paced`: whether it waits for its turn as Redis has it, `sent`: when its message went (false: it is parked; nil: not asked), `took`: ms of its attempt, if one was noted.
ledger.records, ledger.marks = {}, {}

-- Gives a record: its hash as a table, and its id; nil if there is none.
function ledger.load(id)
  local record = ledger.records[id]
  if record then
    return record
  end
  local found = call('HGETALL', ledger.record_key(id))
  record = { id = id }
  for i = 1, #found, 2 do
    record[found[i]] = found[i + 1]
  end
  if not record.state then
    return nil
  end
  if not record.operation then
    error('a record without an operation')  -- before anything is written
  end
  ledger.records[id] = record
  ledger.marks[record] = {
    state = record.state, code = record.code, reason = record.reason, changes = {},
    paced = ledger.is_paced(record),
  }
  return record
end

-- Sets a field of a record; nil takes it out.
function ledger.put(record, name, value)
  if record[name] ~= value then
    record[name] = value
    ledger.marks[record].changes[name] = value or false
  end
end

function ledger.priority_of(record)
  return record.priority or PRIORITY.normal
end

function ledger.has_end(state)
  return state == STATE.running or state == STATE.deferred
end

-- Puts a record into a state. `at`: when rescue is to look at it, because it falls due or its lease
-- runs out.
function ledger.enter(record, to, at)
  local mark = ledger.marks[record]
  if record.state ~= to and ledger.has_end(record.state) then
    ledger.put(record, 'due_at', nil)
  end
  if to == STATE.running then
    ledger.put(record, 'paced', nil)
  end
  ledger.put(record, 'quiet', nil)
  ledger.put(record, 'state', to)
  mark.at = at and ledger.whole(at)
  if at and to ~= STATE.running then
    ledger.put(record, 'due_at', mark.at)
  end
  mark.spot = to == STATE.queued and STATE.queued or nil
end

-- Takes a record from where it waited: KEY.queued, or else among the parked of its school.
function ledger.leave_spot(record, mark)
  local was_queued, priority = mark.sent, ledger.priority_of(record)
  if was_queued == nil then
    was_queued = call('ZREM', KEY.queued .. priority, record.id) == 1
  elseif was_queued and mark.spot ~= STATE.queued then
    ledger.remove(KEY.queued, priority, record.id)
  end
  if not was_queued and mark.spot ~= 'parked' then
    ledger.remove(KEY.parked, record.school, record.id)
  end
end

-- Those of high priority have their turn before all others, and those of low priority after them: what
-- is added to their sequences is more than any sequence (microseconds), and no sum loses a digit.
ledger.ORDER = { [PRIORITY.high] = -LIMIT.priority_offset, [PRIORITY.low] = LIMIT.priority_offset }

-- Says whether a record waits for its turn.
function ledger.is_paced(record)
  return record.state == STATE.deferred and record.paced ~= nil
end

-- Moves a record to those who wait for their turn, or from there.
function ledger.relist_paced(record, mark)
  if mark.spot == 'paced' then
    local order = tonumber(record.sequence) + (ledger.ORDER[record.priority] or 0)
    ledger.add(KEY.paced, ledger.kind_of(record), ledger.whole(order), record.id)
  elseif mark.paced and not ledger.is_paced(record) then
    ledger.remove(KEY.paced, ledger.kind_of(record), record.id)
  end
end

-- Moves a record in all that hangs on its state.
function ledger.relist(record, mark)
  local id, from, to = record.id, mark.state, record.state
  if from ~= to then
    ledger.unlist('state', from, id)
    ledger.list('state', to, record.sequence, id)
    ledger.count(record.operation, from, -1)
    ledger.count(record.operation, to, 1)
    if record.batch then
      ledger.tally(KEY.batch .. record.batch, from, -1)
      ledger.tally(KEY.batch .. record.batch, to, 1)
    end
  end
  if from == STATE.queued and (to ~= STATE.queued or mark.spot) then
    ledger.leave_spot(record, mark)
  end
  if mark.spot == STATE.queued then
    ledger.add(KEY.queued, ledger.priority_of(record), ledger.now_text, id)
  elseif mark.spot == 'parked' then
    ledger.add(KEY.parked, record.school, record.sequence, id)
    call('SADD', KEY.parking, record.school)
  end
  if mark.spot == 'paced' or mark.paced then
    ledger.relist_paced(record, mark)
  end
  if mark.at then
    ledger.add(KEY.due, '', mark.at, id)
  elseif ledger.has_end(from) and not ledger.has_end(to) then
    ledger.remove(KEY.due, '', id)
  end
end

-- Moves a record from one code's index and count to another's.
function ledger.recode(record, from, to)
  if from then
    ledger.unlist('code', from, record.id)
    ledger.tally(KEY.codes, from, -1)
  end
  if to then
    ledger.list('code', to, record.sequence, record.id)
    ledger.tally(KEY.codes, to, 1)
  end
end

-- Moves a record from one reason's index to another's.
function ledger.reason_anew(record, from, to)
  if from then
    ledger.unlist('reason', from, record.id)
  end
  if to then
    ledger.list('reason', to, record.sequence, record.id)
  end
end

function ledger.write(record, mark)
  local fields, gone = { ledger.record_key(record.id) }, nil
  local n = 1
  for name, value in pairs(mark.changes) do
    if value then
      fields[n + 1], fields[n + 2] = name, value
      n = n + 2
    else
      gone = gone or { ledger.record_key(record.id) }
      gone[#gone + 1] = name
    end
  end
  if n > 1 then
    call('HSET', unpack(fields))
  end
  if gone then
    call('HDEL', unpack(gone))
  end
end

-- Adds to this hour what happened; when something does so for the first time in it, its end is set anew.
function ledger.flush_hour()
  local key, is_new = KEY.hour .. ledger.whole(math.floor(ledger.wall / LIMIT.hour)), false
  for what, by in pairs(ledger.happened) do
    is_new = call('HINCRBY', key, what, by) == by or is_new
  end
  if is_new then
    call('EXPIRE', key, LIMIT.hour_kept_seconds)
  end
  ledger.happened = {}
end

-- Writes down what became of all records, and forgets them. A count of nothing goes.
function ledger.flush()
  for _, record in pairs(ledger.records) do
    local mark = ledger.marks[record]
    if next(mark.changes) then
      ledger.write(record, mark)
    end
    ledger.relist(record, mark)
    if mark.code ~= record.code then
      ledger.recode(record, mark.code, record.code)
    end
    if mark.reason ~= record.reason then
      ledger.reason_anew(record, mark.reason, record.reason)
    end
  end
  ledger.send('ZREM', KEY.indexes, ':', ledger.unlisted)
  ledger.send('ZADD', KEY.indexes, ':', ledger.listed)
  ledger.send('ZREM', '', '', ledger.removed)
  ledger.send('ZADD', '', '', ledger.added)
  for key, names in pairs(ledger.tallied) do
    for name, by in pairs(names) do
      if by ~= 0 and call('HINCRBY', key, name, by) <= 0 then
        call('HDEL', key, name)
      end
    end
  end
  if next(ledger.happened) then
    ledger.flush_hour()
  end
  ledger.records, ledger.marks, ledger.tallied = {}, {}, {}
  ledger.added, ledger.removed, ledger.listed, ledger.unlisted = {}, {}, {}, {}
  for batch in pairs(ledger.telling) do
    ledger.look_at_batch(batch)
    ledger.telling[batch] = nil
  end
end

-- A suspect: a worker died while it had the record, which may be why.
function ledger.is_suspect(record)
  return record.lost_workers ~= nil
end

-- Adds a record to those for whom a message must be sent: id, operation, priority, and '1' if the
-- message may name no other.
function ledger.add_message(messages, record)
  local n = #messages
  messages[n + 1], messages[n + 2], messages[n + 3], messages[n + 4] =
    record.id, record.operation, record.priority or '', ledger.is_suspect(record) and '1' or ''
end

-- Lets a record wait until a message is sent for it, now; nobody has a lease on it any more.
function ledger.to_queue(record, messages)
  ledger.enter(record, STATE.queued)
  ledger.put(record, 'lease', '')
  ledger.add_message(messages, record)
end

-- Says whether a claim still counts: it is the last one, or a restart of Redis forgot it and nobody
-- has claimed the record since.
function ledger.holds(record, lease, token)
  if record.lease == lease then
    return true
  end
  local waiting = record.state == STATE.queued or record.state == STATE.deferred
  return waiting and (tonumber(record.claims) or 0) < tonumber(token)
end

-- Renews a claim that holds, for as long as its record is under way; one that was forgotten is known
-- again.
function ledger.renew(record, lease, token, ends)
  if record.state == STATE.running or record.lease ~= lease then
    ledger.enter(record, STATE.running, ends)
    ledger.put(record, 'lease', lease)
    ledger.put(record, 'claims', token)
  end
end
