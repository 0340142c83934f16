-- Changes the schedule by hand: puts a job into it, takes one out, lets one pause or go on.
-- KEYS: none
-- ARGV: now (ms or ''), 'add', 'put', 'remove', 'pause' or 'resume', the job's name; to add and to put
--       also cron, tz, words (JSON), if_running, catch_up (s), time_limit (s), the file that it comes from
--       or '', and the signature of all that
-- answer: 1; 0 if that changed nothing: there is such a job already (add), there is none, or it was so
-- work: one job; all runs that are not over, two of each job at most
local what, name = ARGV[2], ARGV[3]
local key = runs.job_key(name)
local job = runs.load(key)

-- From now on ticks count: what was before is not caught up with.
local function begin_anew()
  call('HSET', key, 'last', runs.wall_text)
end

if what == 'add' or what == 'put' then
  if job and what == 'add' then
    return 0
  end
  local cron, tz, words, if_running, catch_up, time_limit, file, mac = unpack(ARGV, 4, 11)
  if not job or job.cron ~= cron or job.tz ~= tz then
    begin_anew()
  end
  call('HSET', key, 'cron', cron, 'tz', tz, 'words', words, 'if_running', if_running,
    'catch_up', catch_up, 'time_limit', time_limit, 'file', file, 'mac', mac)
  call('SADD', KEY.jobs, name)
  return 1
end
if not job then
  return 0
end
if what == 'remove' then
  local waiting = runs.open_of(name).waiting
  if waiting then
    runs.finish(waiting, RUN.skipped, 'trouble', 'its job was taken out of the schedule')
  end
  call('DEL', key)
  call('SREM', KEY.jobs, name)
  return 1
end
if (what == 'pause') == (job.paused ~= nil) then
  return 0
end
if what == 'pause' then
  call('HSET', key, 'paused', '1')
else
  call('HDEL', key, 'paused')
  begin_anew()
end
return 1
