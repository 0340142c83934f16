-- Records new operations, all or none. One that is recorded already stays as it is, so that a
-- submission whose answer was lost can be sent again.
-- KEYS: none (the ledger lives in one database, not in a cluster)
-- ARGV: now (ms, or '' for the server's clock), then for each record nine and more:
--       id, operation, school, fields (JSON), lane or '', batch or '', source or '', '1' if it
--       accepts what exists already or '', the record that it tries again or '',
--       how many pieces of files follow, and each piece: NAME:NUMBER, base 64
-- answer: how many were new
local now = moment(ARGV[1])
local place = math.max(now * 1000, tonumber(redis.call('GET', 'classin:place') or 0))
local new = 0
local i = 2
while i <= #ARGV do
  local id, operation, school = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local lane, batch, source = ARGV[i + 4], ARGV[i + 5], ARGV[i + 6]
  local accepts, retry_of, pieces = ARGV[i + 7], ARGV[i + 8], tonumber(ARGV[i + 9])
  local key = record_key(id)
  if redis.call('EXISTS', key) == 0 then
    new = new + 1
    place = place + 1
    local at = string.format('%.0f', place)
    local record = {
      'operation', operation, 'school', school, 'fields', ARGV[i + 3], 'place', at,
      'enqueued_at', string.format('%.0f', now),
    }
    local optional = {
      lane = lane, batch = batch, source = source, accepts = accepts, retry_of = retry_of,
    }
    for name, value in pairs(optional) do
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
    if retry_of ~= '' and redis.call('EXISTS', record_key(retry_of)) == 1 then
      redis.call('HSET', record_key(retry_of), 'retried_by', id)
    end
    for p = i + 10, i + 9 + 2 * pieces, 2 do
      redis.call('HSET', 'classin:file:' .. id, ARGV[p], ARGV[p + 1])
    end
  end
  i = i + 10 + 2 * pieces
end
redis.call('SET', 'classin:place', string.format('%.0f', place))
return new
