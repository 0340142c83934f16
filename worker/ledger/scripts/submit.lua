-- Records new operations, all or none. One that is recorded already stays as it is, so that a
-- submission whose answer was lost can be sent again.
-- KEYS: none (the ledger lives in one database, not in a cluster)
-- ARGV: now (ms, or '' for the server's clock), then for each record eight:
--       id, operation, school, fields (JSON), lane or '', batch or '', source or '', '1' if it
--       accepts what exists already or ''
-- answer: how many were new
local now = moment(ARGV[1])
local place = math.max(now * 1000, tonumber(redis.call('GET', 'classin:place') or 0))
local new = 0
for i = 2, #ARGV, 8 do
  local id, operation, school = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local lane, batch, source, accepts = ARGV[i + 4], ARGV[i + 5], ARGV[i + 6], ARGV[i + 7]
  local key = record_key(id)
  if redis.call('EXISTS', key) == 0 then
    new = new + 1
    place = place + 1
    local at = string.format('%.0f', place)
    local record = {
      'operation', operation, 'school', school, 'fields', ARGV[i + 3], 'place', at,
      'enqueued_at', string.format('%.0f', now),
    }
    for name, value in pairs({ lane = lane, batch = batch, source = source, accepts = accepts }) do
      if value ~= '' then
        table.insert(record, name)
        table.insert(record, value)
      end
    end
    redis.call('HSET', key, unpack(record))
    redis.call('ZADD', 'classin:ix:all', at, id)
    reindex('operation', id, at, '', operation)
    reindex('school', id, at, '', school)
    reindex('batch', id, at, '', batch)
    enter(id, operation, at, '', 'queued')
  end
end
redis.call('SET', 'classin:place', string.format('%.0f', place))
return new
