-- Gives what is queued but has lost its message: it was sent well before what workers took last, or
-- long ago while no message waits at all.
-- KEYS: none
-- ARGV: now (ms or ''), how many at most, sent earlier by (ms), '1' if no message waits or ''
-- answer: id, operation, priority of each for which a message must be sent
local messages = {}
local slack, most = tonumber(ARGV[3]), tonumber(ARGV[2])
local before = ARGV[4] ~= '' and now - slack or nil
local reached = redis.call('HGETALL', 'classin:frontier')
local frontier = {}
for i = 1, #reached, 2 do
  frontier[reached[i]] = tonumber(reached[i + 1]) - slack
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'classin:queued', '-inf', whole(now - slack), 'LIMIT', 0, most)) do
  local record = load(id)
  local sent = tonumber(redis.call('ZSCORE', 'classin:queued', id))
  if not record then
    redis.call('ZREM', 'classin:queued', id)
  elseif before or sent < (frontier[record.priority] or 0) then
    redis.call('ZADD', 'classin:queued', whole(now), id)
    add_message(messages, record)
  end
end
return messages
