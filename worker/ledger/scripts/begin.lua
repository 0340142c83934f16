-- Notes that a request is about to be sent: should its sender fall silent, it may have been carried
-- out. Keeps the fields as they are sent, where references to earlier results were filled in.
-- KEYS: none
-- ARGV: now (ms or ''), id, lease, token (which claim of the record it is), fields (JSON) or ''
-- answer: 1, or 0 when the lease is another's
go_on_when_full()
local record = load(ARGV[2])
if not record or record.state ~= 'running' or not holds(record, ARGV[3], tonumber(ARGV[4])) then
  return 0
end
redis.call('HSET', record.key, 'sending', '1')
if ARGV[5] ~= '' then
  redis.call('HSET', record.key, 'fields', ARGV[5])
end
return 1
