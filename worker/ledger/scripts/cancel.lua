-- Calls a record off: at once where it waits; one under way is not interrupted, but not repeated.
-- KEYS: none
-- ARGV: now (ms or ''), id
-- answer: 'missing', or its state now ('running': as soon as its attempt ends), and id, operation,
--         priority of each for which a message must be sent
go_on_when_full()
local record = load(ARGV[2])
if not record then
  return { 'missing' }
end
local messages = {}
if record.state == 'running' then
  redis.call('HSET', record.key, 'cancel', '1')
elseif not SETTLED[record.state] then
  settle(record, 'cancelled')
end
release(100, messages)
return { record.state, unpack(messages) }
