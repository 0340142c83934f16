-- Shared by all scripts about scheduled jobs, put in front of each: the clock, jobs and their runs. Keys
-- are named here as keys.py lists them; ARGV[1] is always now (ms since 1970), or '' for this server's
-- clock. What waits or runs stands in KEY.open_runs, in the order in which it was recorded.
local call, runs = redis.call, {}

-- For leases and the order of runs, and for what people are told: see clock.lua.
runs.now, runs.now_text, runs.wall_text = clock.now, clock.text(clock.now), clock.text(clock.wall)

function runs.key(id)
  return KEY.run .. id
end

function runs.job_key(name)
  return KEY.job .. name
end

-- Gives a hash as a table; nil if there is none.
function runs.load(key)
  local found = call('HGETALL', key)
  if #found == 0 then
    return nil
  end
  local values = {}
  for i = 1, #found, 2 do
    values[found[i]] = found[i + 1]
  end
  return values
end

-- Gives the ids of a job's runs that are not over: which one runs, and which one waits.
function runs.open_of(job)
  local open = {}
  for _, id in ipairs(call('ZRANGE', KEY.open_runs, 0, -1)) do
    local its_job, state = unpack(call('HMGET', runs.key(id), 'job', 'state'))
    if its_job == job then
      open[state] = id
    end
  end
  return open
end

-- Ends a run, with further fields of its hash.
function runs.finish(id, state, ...)
  call('HSET', runs.key(id), 'state', state, 'finished_at', runs.wall_text, ...)
  call('HDEL', runs.key(id), 'lease', 'until')
  call('ZREM', KEY.open_runs, id)
end

-- Enters a run into the lists, and forgets the oldest of its job.
function runs.list(id, job)
  call('ZADD', KEY.runs, runs.wall_text, id)
  call('ZADD', KEY.runs_of .. job, runs.wall_text, id)
  local surplus = call('ZCARD', KEY.runs_of .. job) - LIMIT.runs_kept
  if surplus > 0 then
    for _, old in ipairs(call('ZRANGE', KEY.runs_of .. job, 0, surplus - 1)) do
      if not call('ZSCORE', KEY.open_runs, old) then
        call('ZREM', KEY.runs_of .. job, old)
        call('ZREM', KEY.runs, old)
        call('DEL', runs.key(old))
      end
    end
  end
end
