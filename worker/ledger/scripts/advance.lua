-- Notes an attempt, if there was one, and puts the record where it stands now: still running (the
-- lease is renewed), given back to the queue, deferred, or settled. What the reply told of the school
-- is kept as well. A record that is to be cancelled is so now, unless it settled. Only the holder of
-- the lease may; saying the same twice changes nothing.
-- KEYS: none
-- ARGV: now (ms or ''), id, lease, token (which claim of the record it is), state, reason or '',
--       code or '', message, result (JSON or ''), '1' if it was so already or '',
--       '1' if the outcome is unread or '', attempt (one line, or ''), its number,
--       wait until due (ms; when deferred), '1' if this deferral counts or '',
--       how long the lease lasts (ms; when running), 'in', 'locked' or 'held' (what the reply told of
--       the school) or '', how long to slow down (ms) or '', pauses between looks at a closed school
--       (ms, separated by spaces)
-- answer: 0 when the lease is another's; or the state, how long to wait before the next request (ms),
--         and id, operation, priority of each for which a message must be sent
go_on_when_full()
local id, lease, state, reason, code = ARGV[2], ARGV[3], ARGV[5], ARGV[6], ARGV[7]
local due_in, access = tonumber(ARGV[14]), ARGV[17]
local record = load(id)
if not record or not holds(record, lease, tonumber(ARGV[4])) then
  return 0
end
if SETTLED[record.state] or (record.state == 'deferred' and record.lease == lease) then
  return { record.state, '0' }  -- said before
end
renew(record, lease, ARGV[4], now)

local function note_attempt()
  local lines = redis.call('HGET', record.key, 'attempts') or ''
  local _, noted = string.gsub(lines, '\n', '\n')
  if ARGV[12] ~= '' and noted < tonumber(ARGV[13]) then
    redis.call('HSET', record.key, 'attempts', lines .. ARGV[12] .. '\n')
  end
  redis.call('HDEL', record.key, 'sending')
  if ARGV[11] ~= '' then
    redis.call('HSET', record.key, 'unread', '1')
  end
end

local function note_reply()
  reindex('code', id, record.place, record.code, code)
  recount('classin:codes', record.code, code)
  record.code = code
  local said = { code = code, message = ARGV[8], reason = reason, result = ARGV[9], already = ARGV[10] }
  for name, value in pairs(said) do
    if value ~= '' then
      redis.call('HSET', record.key, name, value)
    else
      redis.call('HDEL', record.key, name)
    end
  end
end

-- What the reply told of the school may change where the record stands.
local function note_school()
  if access == 'in' then
    let_in(record)
  elseif access == 'held' then
    due_in = close(record, 'held', ARGV[19]) - now
  elseif access == 'locked' and is_barred(record) then
    state = 'failed'
    redis.call('HSET', record.key, 'reason', 'refused')
  elseif access == 'locked' then
    close(record, 'paused', ARGV[19])
  end
  if ARGV[18] ~= '' then
    slow_down(record, tonumber(ARGV[18]))
  end
end

note_attempt()
note_reply()
note_school()
local messages, wait = {}, 0
if not SETTLED[state] and record.cancel then
  state = 'cancelled'
end
if SETTLED[state] then
  settle(record, state)
elseif state == 'running' then
  enter(record, 'running', now + tonumber(ARGV[16]))
  wait = reserve(record) - now
elseif state == 'deferred' then
  enter(record, 'deferred', now + due_in)
  if ARGV[15] ~= '' then
    redis.call('HINCRBY', record.key, 'deferrals', 1)
  end
elseif access == 'locked' then
  park(record)
else
  to_queue(record, messages)
end
release(100, messages)
return { state, whole(wait), unpack(messages) }
