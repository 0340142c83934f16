-- Gives what must come back to a worker: deferred records whose time has come, running ones whose
-- lease ran out (if `orphans`), followers of what has settled. One whose worker fell silent too often
-- fails: it may be what kills them.
-- KEYS: none
-- ARGV: now (ms or ''), how many at most, '1' to look for orphans or '', after how many deaths of
--       workers a record fails
-- answer: id, operation, priority of each for which a message must be sent
local messages = {}

local function orphan(record)
  redis.call('HSET', record.key, 'lease', '')
  if redis.call('HDEL', record.key, 'sending') == 1 then
    redis.call('HSET', record.key, 'unread', '1')  -- what its holder sent last, nobody read
  end
  local deaths = redis.call('HINCRBY', record.key, 'deaths', 1)
  if record.cancel then
    settle(record, 'cancelled')
  elseif deaths >= tonumber(ARGV[4]) then
    redis.call('HSET', record.key, 'reason', 'poison',
      'message', deaths .. ' workers fell silent while they had it')
    settle(record, 'failed')
  else
    to_queue(record, messages)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'classin:due', '-inf', whole(now), 'LIMIT', 0, ARGV[2])) do
  local record = load(id)
  if not record then
    redis.call('ZREM', 'classin:due', id)
  elseif record.state == 'deferred' then
    local paced = record.paced
    to_queue(record, messages)
    if paced then
      redis.call('HSET', record.key, 'paced', paced)  -- its moment is kept for it
    end
  elseif ARGV[3] ~= '' then
    orphan(record)
  end
end
release(tonumber(ARGV[2]), messages)
return messages
