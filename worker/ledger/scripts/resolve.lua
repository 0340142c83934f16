-- Decides an uncertain record by hand: it was done after all, or it was not. That goes into the audit
-- trail at once. Those who waited for it failed when it became uncertain, and stay so.
-- KEYS: none
-- ARGV: now (ms or ''), id, 'succeeded' or 'failed', result (JSON) or '', why, who
-- answer: 'missing', 'telling' (while some that waited for it are still to fail), or the state in which
--         it was: nothing was changed unless that is 'uncertain'
-- work: one record
ledger.go_on_when_full()
local record = ledger.load(ARGV[2])
if not record then
  return 'missing'
end
local state, result, why = ARGV[3], ARGV[4], ARGV[5]
if record.state ~= STATE.uncertain then
  return record.state
end
if call('EXISTS', KEY.followers .. record.id) == 1 then
  return 'telling'
end
call('XADD', KEY.audit, '*', 'who', ARGV[6], 'what', 'settle', 'about', state, 'ids', cjson.encode({ record.id }),
  'why', why)
ledger.put(record, 'finished_at', ledger.wall_text)
ledger.put(record, 'decided', why)
ledger.put(record, 'reason', state == STATE.failed and REASON.decided or nil)
if result ~= '' then
  ledger.put(record, 'result', result)
end
ledger.enter(record, state)
ledger.tell_of(record)
ledger.flush_all()
return STATE.uncertain
