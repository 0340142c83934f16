-- Gives a run to somebody who carries it out: one that waits while no other of its job runs, or one
-- whose lease has run out; of some commands none, where these have taken all the room that is theirs.
-- KEYS: none
-- ARGV: now (ms or ''), the lease, for how long it lasts (ms), '1' if leases that ran out count, after
--       how many of them a run has failed, the commands that are left alone (JSON)
-- answer: the id of the run and its hash as a flat list, or nothing
-- work: all runs that are not over, two of each job at most
local lease, lasts, orphans, most = unpack(ARGV, 2, 5)
local left_alone = {}
for _, command in ipairs(cjson.decode(ARGV[6])) do
  left_alone[command] = true
end

-- Says whether a run can be taken. One that was taken too often is over.
local function can_be_taken(id, run)
  if left_alone[string.match(run.words or '', '^%["([^"]*)"')] then
    return false
  end
  if run.state == RUN.waiting then
    return not runs.open_of(run.job).running
  end
  if orphans ~= '1' or (tonumber(run['until']) or 0) > runs.now then
    return false
  end
  if (tonumber(run.takes) or 0) >= tonumber(most) then
    runs.finish(id, RUN.failed, 'trouble', 'whoever carried it out fell silent, ' .. most .. ' times')
    return false
  end
  return true
end

for _, id in ipairs(call('ZRANGE', KEY.open_runs, 0, -1)) do
  local key = runs.key(id)
  local run = runs.load(key)
  if not run then
    call('ZREM', KEY.open_runs, id)
  elseif can_be_taken(id, run) then
    call('HSET', key, 'state', RUN.running, 'lease', lease,
      'until', clock.text(runs.now + tonumber(lasts)))
    call('HSETNX', key, 'started_at', runs.wall_text)
    call('HINCRBY', key, 'takes', 1)
    return { id, call('HGETALL', key) }
  end
end
return {}
