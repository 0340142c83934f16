-- Claims a tick of a job, and records its run. Whoever comes second with the same tick changes nothing.
-- KEYS: none
-- ARGV: now (ms or ''), the job's name, its last tick as it was read, or '' for a run by hand, the tick
--       (ms since 1970), the id of its run, '1' if it was missed or ''
-- answer: where the run stands; '' if somebody else has claimed this tick, or the job is not to run
-- work: one job; all runs that are not over, two of each job at most
local name, read, tick, id, late = unpack(ARGV, 2, 6)
local by_hand = read == ''
local key = runs.job_key(name)
local job = runs.load(key)
if not job or not by_hand and (job.paused or job.last ~= read) then
  return ''
end
if not by_hand then
  call('HSET', key, 'last', tick)
end
local known = call('HGET', runs.key(id), 'state')
if known then
  return known
end
local open = runs.open_of(name)
local hash = {
  'job', name, 'tick', tick, 'state', RUN.waiting, 'recorded_at', runs.wall_text,
  'by_hand', by_hand and '1' or '', 'late', late,
}
-- What a run has of its job: all that is signed, and the signature, so that it can be told as that job's.
for _, part in ipairs(LIST.of_job) do
  hash[#hash + 1] = part
  hash[#hash + 1] = job[part] or ''
end
call('HSET', runs.key(id), unpack(hash))
call('ZADD', KEY.open_runs, runs.now_text, id)
runs.list(id, name)
local first = open.running or open.waiting
if first and job.if_running == IF_RUNNING.skip then
  runs.finish(id, RUN.skipped, 'trouble', first .. ' was not over')
elseif first and (job.if_running == IF_RUNNING.join or open.waiting) then
  runs.finish(id, RUN.joined, 'joined', job.if_running == IF_RUNNING.join and first or open.waiting)
end
return call('HGET', runs.key(id), 'state')
