-- Calls a record off: at once where it waits; one under way is not interrupted, but not repeated.
-- KEYS: none
-- ARGV: now (ms or ''), id
-- answer: 'missing', or its state now ('running': as soon as its attempt ends), and id, operation,
--         priority, suspect ('1' or '') of each for which a message must be sent
-- work: one record, and 100 followers
ledger.go_on_when_full()
local record = ledger.load(ARGV[2])
if not record then
  return { 'missing' }
end
local messages = {}
if record.state == STATE.running then
  ledger.put(record, 'cancel', '1')
elseif not ledger.SETTLED[record.state] then
  ledger.settle(record, STATE.cancelled)
end
local state = record.state
ledger.release(LIMIT.followers_of_one, messages)
ledger.flush_all()
return { state, unpack(messages) }
