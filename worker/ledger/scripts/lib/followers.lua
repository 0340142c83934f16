-- Shared by all scripts, put after ledger.lua in front of each that needs it: what settles, and who
-- waited for it. What is still to be looked at stands in the list KEY.releasing: `+ID` and `-ID`,
-- the followers of a record that went well or not, and `=LANE`, a lane whose first has left.
--
-- Until `flush_all` lanes, stops and followers are changed in memory only, as records are: a script that
-- fails before has changed nothing. Then comes first who is still to be looked at, so that nobody is
-- blocked for good whatever happens next; `release` asks whether what it is to tell of has settled.
ledger.WELL, ledger.SETTLED = SET.went_well, SET.settled

-- Fields that are of use on the way only.
ledger.PASSING = { 'maybe_applied', 'sending', 'deferrals', 'waits', 'cancel', 'resent', 'paced' }

-- What this call adds to KEY.releasing, lanes and records, each from the first that is not looked at
-- yet; what it knows of lanes, their stops, and followers; the events that it tells.
function ledger.forget_waiting()
  ledger.freed, ledger.first_freed, ledger.ended, ledger.first_ended = {}, 1, {}, 1
  ledger.lanes, ledger.stops, ledger.restopped = {}, {}, {}
  ledger.followers, ledger.told, ledger.news, ledger.files = {}, {}, {}, {}
  -- Of earlier calls: how many were looked at, and the next (nil: not asked, false: there is none).
  ledger.passed, ledger.earlier = 0, nil
end
ledger.forget_waiting()
ledger.looked_at = 0

-- Gives how many of its followers the next of so many records may look at.
function ledger.share_of(number)
  return math.min(LIMIT.followers_of_one, math.ceil((LIMIT.followers_at_once - ledger.looked_at) / number))
end

-- Gives a lane as it was before this call, as far as it was read: ids; who of them left it in this call;
-- which one is the first that did not; whether that is all.
function ledger.lane_of(name)
  local lane = ledger.lanes[name]
  if not lane then
    lane = { ids = call('ZRANGE', KEY.lane .. name, 0, 1), left = {}, first = 1 }
    lane.whole = #lane.ids < 2
    ledger.lanes[name] = lane
  end
  return lane
end

-- Gives where the next in a lane stands that has not left it.
local function next_in(lane, name, at)
  while true do
    if not lane.ids[at] and not lane.whole then
      local last = #lane.ids
      local more = call('ZRANGE', KEY.lane .. name, last, last + LIMIT.lane_at_once - 1)
      for i, id in ipairs(more) do
        lane.ids[last + i] = id
      end
      lane.whole = #more < LIMIT.lane_at_once
    end
    local id = lane.ids[at]
    if not id or not lane.left[id] then
      return at
    end
    at = at + 1
  end
end

-- Gives the first of a lane, and who is behind it.
function ledger.first_two(name)
  local lane = ledger.lane_of(name)
  lane.first = next_in(lane, name, lane.first)
  local head = lane.ids[lane.first]
  return head, head and lane.ids[next_in(lane, name, lane.first + 1)]
end

-- Says whether any lane stops; asked once.
function ledger.any_stops()
  if ledger.stopping == nil then
    ledger.stopping = call('EXISTS', KEY.stops) == 1
  end
  return ledger.stopping
end

-- Gives what stops a lane: of each stop a list of behind which sequence, up to which, and because of whom.
function ledger.stops_of(lane)
  if ledger.stops[lane] == nil then
    local known = ledger.any_stops() and call('HGET', KEY.stops, lane)
    ledger.stops[lane] = list_in(known)
  end
  return ledger.stops[lane]
end

-- Notes what stops a lane from now on.
function ledger.put_stops(lane, known)
  ledger.stops[lane], ledger.restopped[lane] = known, true
end

-- Notes that those who are behind a record in its lane now are to fail.
function ledger.stop_behind(record)
  local lane = KEY.lane .. record.lane
  local head = tonumber(call('ZRANGE', lane, 0, 0, 'WITHSCORES')[2])
  local last = tonumber(call('ZRANGE', lane, -1, -1, 'WITHSCORES')[2])
  local sequence, kept = tonumber(record.sequence), {}
  for _, stop in ipairs(ledger.stops_of(record.lane)) do
    if tonumber(stop[1]) < sequence and tonumber(stop[2]) >= last then
      return  -- they are to fail already
    end
    if tonumber(stop[2]) >= head then
      kept[#kept + 1] = stop
    end
  end
  if last > sequence then
    kept[#kept + 1] = { ledger.whole(sequence), ledger.whole(last), record.id }
    ledger.put_stops(record.lane, kept)
    ledger.stopping = true
  end
end

-- Gives the record because of which another is to fail, if its lane stops there.
function ledger.stopper_of(record)
  local sequence = tonumber(record.sequence)
  for _, stop in ipairs(ledger.stops_of(record.lane)) do
    if tonumber(stop[1]) < sequence and sequence <= tonumber(stop[2]) then
      return stop[3]
    end
  end
end

-- Takes a record that has settled out of its lane; the others there are looked at by `release`.
function ledger.leave_lane(record)
  local name = record.lane
  ledger.lane_of(name).left[record.id] = true
  ledger.remove(KEY.lane, name, record.id)
  if not ledger.first_two(name) then
    if ledger.any_stops() then
      ledger.put_stops(name, {})
    end
    return
  end
  if record.stops_lane and not ledger.WELL[record.state] then
    ledger.stop_behind(record)
  end
  ledger.freed[#ledger.freed + 1] = '=' .. name
end

-- Tells whoever follows what settles; older news than so many go, a few more or less. The same names in the
-- same order each time take the least room. Gives the ms from its submission.
function ledger.tell_of(record)
  local took = math.max(0, ledger.wall - tonumber(record.enqueued_at))
  ledger.news[#ledger.news + 1] = { 'id', record.id, 'operation', record.operation,
    'school', record.school, 'state', record.state, 'reason', record.reason or '',
    'code', record.code or '', 'batch', record.batch or '', 'took', ledger.whole(took) }
  return took
end

-- Settles a record; its followers and its lane are looked at by `release`.
function ledger.settle(record, state)
  ledger.put(record, 'finished_at', ledger.wall_text)
  for _, name in ipairs(ledger.PASSING) do
    ledger.put(record, name, nil)
  end
  ledger.enter(record, state)
  local took = ledger.tell_of(record)
  ledger.tally(KEY.schools, record.school, -1)
  local attempt = ledger.marks[record].took
  ledger.happen('settled', record.school, record.operation, state, record.reason or '', record.code or '')
  ledger.happen('took', record.operation, ledger.step_of(took, LIMIT.fine))
  if attempt then
    ledger.happen('attempt', record.operation, ledger.step_of(attempt, LIMIT.coarse))
  end
  if record.tells then
    ledger.telling[record.batch] = true
  end
  local id = record.id
  ledger.files[#ledger.files + 1] = KEY.file .. id
  if call('EXISTS', KEY.followers .. id) == 1 then
    ledger.ended[#ledger.ended + 1] = (ledger.WELL[state] and '+' or '-') .. id
  end
  if record.lane then
    ledger.leave_lane(record)
  end
end

-- The message of a record that fails because of another; no code reads it.
local MESSAGES = {
  [DEPENDENCY.after] = '%s, which it waited for, did not succeed',
  [DEPENDENCY.lane] = 'its lane was to stop when %s did not succeed',
}

-- Fails a record because of another; kind: 'after' (it waited for that one) or 'lane' (it is behind it).
function ledger.fail_because(record, kind, culprit)
  ledger.put(record, 'reason', REASON.dependency)
  ledger.put(record, 'failed_because', cjson.encode({ kind, culprit }))
  ledger.put(record, 'message', string.format(MESSAGES[kind], culprit))
  ledger.settle(record, STATE.failed)
end

-- Lets a blocked record that is the first of its lane, or in none, go on if it waits for nobody; where
-- the lane was to stop before it, it fails.
function ledger.go_on(record, messages)
  local culprit = record.lane and ledger.stopper_of(record)
  if culprit then
    ledger.fail_because(record, DEPENDENCY.lane, culprit)
  elseif (tonumber(record.waits) or 0) <= 0 then
    ledger.to_queue(record, messages)
  end
end

-- Whether somebody waits behind the first of a lane that has moved.
ledger.crowded = {}

-- Tells the first of a lane that it is so now.
function ledger.look_at_lane(lane, messages)
  local head, behind = ledger.first_two(lane)
  ledger.crowded[lane] = behind ~= nil
  local record = head and ledger.load(head)
  if record and record.state == STATE.blocked then
    ledger.go_on(record, messages)
  end
end

-- Tells one follower how that which it waited for went.
function ledger.tell(follower, id, well, messages)
  local record = ledger.load(follower)
  if not record or record.state ~= STATE.blocked then
    return
  end
  if not well then
    ledger.fail_because(record, DEPENDENCY.after, id)
    return
  end
  ledger.put(record, 'waits', ledger.whole((tonumber(record.waits) or 0) - 1))
  if not record.lane or ledger.first_two(record.lane) == follower then
    ledger.go_on(record, messages)
  end
end

-- Gives who follows a record and was not told yet in this call; nil if there is nobody more. One call tells
-- no more of them than are read here.
function ledger.next_follower(id)
  local known = ledger.followers[id]
  if not known then
    known = { ids = call('SRANDMEMBER', KEY.followers .. id, LIMIT.followers_at_once), told = 0 }
    ledger.followers[id] = known
  end
  known.told = known.told + 1
  local follower = known.ids[known.told]
  if follower then
    local told = ledger.told[id] or {}
    ledger.told[id] = told
    told[#told + 1] = follower
  end
  return follower
end

-- Says whether what stands in KEY.releasing is to be looked at. It is not where the script that put it
-- there got no further; then that is said once more.
function ledger.is_over(item)
  local id = string.sub(item, 2)
  if string.sub(item, 1, 1) == '=' then
    return true
  end
  local record = ledger.records[id]
  return ledger.SETTLED[record and record.state or call('HGET', ledger.record_key(id), 'state')]
end

-- Gives the first that was left by earlier calls.
function ledger.next_earlier()
  while ledger.earlier == nil do
    local item = call('LINDEX', KEY.releasing, ledger.passed)
    if not item or ledger.is_over(item) then
      ledger.earlier = item
    else
      ledger.passed = ledger.passed + 1
    end
  end
  return ledger.earlier
end

function ledger.next_item()
  return ledger.freed[ledger.first_freed] or ledger.ended[ledger.first_ended] or ledger.next_earlier()
end

function ledger.drop_item()
  if ledger.freed[ledger.first_freed] then
    ledger.first_freed = ledger.first_freed + 1
  elseif ledger.ended[ledger.first_ended] then
    ledger.first_ended = ledger.first_ended + 1
  else
    ledger.passed, ledger.earlier = ledger.passed + 1, nil
  end
end

-- Looks at so many of those who waited for what has settled, at those of this call first, and its lanes
-- before its followers; gives who needs a message now.
function ledger.release(limit, messages)
  while limit > 0 do
    local item = ledger.next_item()
    if not item then
      break
    end
    local kind, name = string.sub(item, 1, 1), string.sub(item, 2)
    local follower = kind ~= '=' and ledger.next_follower(name)
    if follower then
      ledger.tell(follower, name, kind == '+', messages)
    else
      ledger.drop_item()
      if kind == '=' then
        ledger.look_at_lane(name, messages)
      end
    end
    limit, ledger.looked_at = limit - 1, ledger.looked_at + 1
  end
end

-- Calls a command with a list of any length, some of it at a time.
function ledger.call_with(command, key, list, first)
  for from = first, #list, LIMIT.arguments_at_once do
    call(command, key, unpack(list, from, math.min(from + LIMIT.arguments_at_once - 1, #list)))
  end
end

function ledger.flush_stops()
  for lane in pairs(ledger.restopped) do
    if #ledger.stops[lane] == 0 then
      call('HDEL', KEY.stops, lane)
    else
      call('HSET', KEY.stops, lane, cjson.encode(ledger.stops[lane]))
    end
  end
end

-- Writes down everything: who is still to be looked at, what became of the records, who was told.
function ledger.flush_all()
  ledger.call_with('RPUSH', KEY.releasing, ledger.freed, ledger.first_freed)
  ledger.call_with('RPUSH', KEY.releasing, ledger.ended, ledger.first_ended)
  for lane, is_crowded in pairs(ledger.crowded) do
    if is_crowded then
      ledger.add(KEY.lanes, '', ledger.wall_text, lane)
    else
      ledger.remove(KEY.lanes, '', lane)
    end
  end
  ledger.crowded = {}
  ledger.flush()
  ledger.flush_stops()
  for id, told in pairs(ledger.told) do
    ledger.call_with('SREM', KEY.followers .. id, told, 1)
  end
  if ledger.passed > 0 then
    call('LTRIM', KEY.releasing, ledger.passed, -1)
  end
  for _, event in ipairs(ledger.news) do
    call('XADD', KEY.events, 'MAXLEN', '~', LIMIT.events_kept, '*', unpack(event))
  end
  for from = 1, #ledger.files, LIMIT.arguments_at_once do
    call('DEL', unpack(ledger.files, from, math.min(from + LIMIT.arguments_at_once - 1, #ledger.files)))
  end
  ledger.forget_waiting()
end
