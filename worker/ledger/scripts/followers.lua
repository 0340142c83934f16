-- Shared by all scripts, put after ledger.lua in front of each that needs it: what settles, and who
-- waited for it. What is still to be looked at stands in the list classin:releasing: `+ID` and `-ID`,
-- the followers of a record that went well or not, and `=LANE`, a lane whose first place is free.
ledger.WELL = { succeeded = true, partial = true }
ledger.SETTLED = {
  succeeded = true, partial = true, failed = true, uncertain = true, cancelled = true,
}

-- Fields that are of use on the way only.
ledger.PASSING = { 'unread', 'sending', 'deferrals', 'waits', 'cancel', 'resent' }

-- What this call adds to classin:releasing, from the first that is not done yet; whether there may be
-- some of earlier calls.
ledger.releasing, ledger.first, ledger.backlog = {}, 1, true

-- Says whether any lane stops; asked once.
function ledger.any_stops()
  if ledger.stopping == nil then
    ledger.stopping = call('EXISTS', 'classin:stops') == 1
  end
  return ledger.stopping
end

-- Gives what stops a lane, one after the other: behind which place, up to which, and because of whom.
function ledger.stops_of(lane)
  local known = ledger.any_stops() and call('HGET', 'classin:stops', lane) or ''
  return string.gmatch(known, '(%d+) (%d+) ([^\n]*)\n')
end

-- Notes that those who are behind a record in its lane now are to fail.
function ledger.stop_behind(record)
  local lane = 'classin:lane:' .. record.lane
  local head = tonumber(call('ZRANGE', lane, 0, 0, 'WITHSCORES')[2])
  local last = tonumber(call('ZRANGE', lane, -1, -1, 'WITHSCORES')[2])
  local place, kept = tonumber(record.place), ''
  for after, up_to, culprit in ledger.stops_of(record.lane) do
    if tonumber(after) < place and tonumber(up_to) >= last then
      return  -- they are to fail already
    end
    if tonumber(up_to) >= head then
      kept = kept .. after .. ' ' .. up_to .. ' ' .. culprit .. '\n'
    end
  end
  if last > place then
    local stop = ledger.whole(place) .. ' ' .. ledger.whole(last) .. ' ' .. record.id .. '\n'
    call('HSET', 'classin:stops', record.lane, kept .. stop)
    ledger.stopping = true
  end
end

-- Gives the record because of which another is to fail, if its lane stops there.
function ledger.stopper_of(record)
  local place = tonumber(record.place)
  for after, up_to, culprit in ledger.stops_of(record.lane) do
    if tonumber(after) < place and place <= tonumber(up_to) then
      return culprit
    end
  end
end

-- Takes a record that has settled out of its lane; the others there are looked at by `release`.
function ledger.leave_lane(record, is_empty)
  if is_empty then
    if ledger.any_stops() then
      call('HDEL', 'classin:stops', record.lane)
    end
    return
  end
  if record.stops_lane and not ledger.WELL[record.state] then
    ledger.stop_behind(record)
  end
  ledger.releasing[#ledger.releasing + 1] = '=' .. record.lane
end

-- Tells whoever follows what settles; older news than so many go, a few more or less. The same names in the
-- same order each time take the least room. Gives the ms from its submission.
function ledger.tell_of(record)
  local took = math.max(0, ledger.now - tonumber(record.enqueued_at))
  call('XADD', 'classin:events', 'MAXLEN', '~', '100000', '*', 'id', record.id, 'operation', record.operation,
    'school', record.school, 'state', record.state, 'reason', record.reason or '',
    'code', record.code or '', 'batch', record.batch or '', 'took', ledger.whole(took))
  return took
end

-- Settles a record; its followers and its lane are looked at by `release`.
function ledger.settle(record, state)
  ledger.put(record, 'finished_at', ledger.now_text)
  for _, name in ipairs(ledger.PASSING) do
    ledger.put(record, name, nil)
  end
  ledger.enter(record, state)
  local took = ledger.tell_of(record)
  ledger.tally('classin:schools', record.school, -1)
  local attempt = ledger.marks[record].took
  ledger.happen(record.school, record.operation .. ' ' .. state .. ' ' .. (record.reason or '') .. ' '
    .. (record.code or '') .. ' ' .. ledger.step_of(took, 4) .. ' ' .. (attempt and ledger.step_of(attempt, 2) or ''))
  if record.tells then
    ledger.telling[record.batch] = true
  end
  local id, lane = record.id, record.lane
  local files, followers = 'classin:file:' .. id, 'classin:followers:' .. id
  local left
  if lane then
    call('ZREM', 'classin:lane:' .. lane, id)
    left = call('EXISTS', files, followers, 'classin:lane:' .. lane)
  else
    left = call('EXISTS', files, followers)
  end
  if left > 0 then
    left = left - call('DEL', files)
  end
  if left > 0 and call('EXISTS', followers) == 1 then
    left = left - 1
    ledger.releasing[#ledger.releasing + 1] = (ledger.WELL[state] and '+' or '-') .. id
  end
  if lane then
    ledger.leave_lane(record, left == 0)
  end
end

-- Fails a record because of another.
function ledger.fail_with(record, message)
  ledger.put(record, 'reason', 'dependency')
  ledger.put(record, 'message', message)
  ledger.settle(record, 'failed')
end

function ledger.head_of(lane)
  return call('ZRANGE', 'classin:lane:' .. lane, 0, 0)[1]
end

-- Lets a blocked record that is the first of its lane, or in none, go on if it waits for nobody; where
-- the lane was to stop before it, it fails.
function ledger.go_on(record, messages)
  local culprit = record.lane and ledger.stopper_of(record)
  if culprit then
    ledger.fail_with(record, 'its lane was to stop when ' .. culprit .. ' did not succeed')
  elseif (tonumber(record.waits) or 0) <= 0 then
    ledger.to_queue(record, messages)
  end
end

-- Whether somebody waits behind the first of a lane that has moved.
ledger.crowded = {}

-- Tells the first of a lane that it is so now.
function ledger.look_at_lane(lane, messages)
  local found = call('ZRANGE', 'classin:lane:' .. lane, 0, 1)
  ledger.crowded[lane] = found[2] ~= nil
  local record = found[1] and ledger.load(found[1])
  if record and record.state == 'blocked' then
    ledger.go_on(record, messages)
  end
end

-- Tells one follower how that which it waited for went.
function ledger.tell(follower, id, well, messages)
  local record = ledger.load(follower)
  if not record or record.state ~= 'blocked' then
    return
  end
  if not well then
    ledger.fail_with(record, id .. ', which it waited for, did not succeed')
    return
  end
  ledger.put(record, 'waits', ledger.whole((tonumber(record.waits) or 0) - 1))
  if not record.lane or ledger.head_of(record.lane) == follower then
    ledger.go_on(record, messages)
  end
end

-- Gives the first that is to be looked at, those of earlier calls before this one's.
function ledger.next_item()
  local item = ledger.backlog and call('LINDEX', 'classin:releasing', 0)
  if item then
    return item
  end
  ledger.backlog = false
  return ledger.releasing[ledger.first]
end

function ledger.drop_item()
  if ledger.backlog then
    call('LPOP', 'classin:releasing')
  else
    ledger.first = ledger.first + 1
  end
end

-- Looks at so many of those who waited for what has settled; gives who needs a message now.
function ledger.release(limit, messages)
  while limit > 0 do
    local item = ledger.next_item()
    if not item then
      break
    end
    local kind, name = string.sub(item, 1, 1), string.sub(item, 2)
    local follower = kind ~= '=' and call('SPOP', 'classin:followers:' .. name)
    if follower then
      ledger.tell(follower, name, kind == '+', messages)
    else
      ledger.drop_item()
      if kind == '=' then
        ledger.look_at_lane(name, messages)
      end
    end
    limit = limit - 1
  end
end

-- Writes down everything, with those who are still to be looked at.
function ledger.flush_all()
  for lane, is_crowded in pairs(ledger.crowded) do
    if is_crowded then
      ledger.add('classin:lanes', '', ledger.now_text, lane)
    else
      ledger.remove('classin:lanes', '', lane)
    end
  end
  ledger.crowded = {}
  ledger.flush()
  if ledger.releasing[ledger.first] then
    call('RPUSH', 'classin:releasing', unpack(ledger.releasing, ledger.first))
    ledger.releasing, ledger.first, ledger.backlog = {}, 1, true
  end
end
