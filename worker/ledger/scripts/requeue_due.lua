-- Gives what must come back to a worker: deferred records whose time has come, running ones whose
-- lease ran out (if `orphans`). One whose worker fell silent too often is sent no more, as it may be what
-- kills them: failed, or uncertain if it may have been carried out. One that was never sent, and waited
-- too long for its turn by its pace, has expired.
-- KEYS: none
-- ARGV: now (ms or ''), how many at most, '1' to look for orphans or '', after how many lost
--       workers a record is sent no more, kinds (JSON, by operation): 'silent' where requests are sent
--       without a word here, 'read_only' where they change nothing; of others `begin` tells; the late window
--       (ms); after how many ms of waiting for its turn a record expires
-- answer: id, operation, priority, suspect ('1' or '') of each for which a message must be sent
-- work: as many records as asked for
local messages, kinds = {}, cjson.decode(ARGV[5])

-- Settles a record that may be what kills workers.
local function condemn(record, lost)
  local is_doubtful = record.maybe_applied and kinds[record.operation] ~= 'read_only'
  local doubt = is_doubtful and '; it may have been carried out' or ''
  ledger.put(record, 'reason', REASON.poison)
  ledger.put(record, 'message', lost .. ' workers fell silent while they had it' .. doubt)
  ledger.settle(record, is_doubtful and STATE.uncertain or STATE.failed)
end

local function orphan(record)
  ledger.put(record, 'lease', '')
  local kind = kinds[record.operation]
  if record.sending or kind == 'silent' then
    ledger.put(record, 'sending', nil)
    ledger.put(record, 'maybe_applied', '1')  -- what its holder sent last, nobody read
    if kind ~= 'read_only' then
      ledger.keep_quiet(record)
    end
  end
  local lost = (tonumber(record.lost_workers) or 0) + 1
  ledger.put(record, 'lost_workers', ledger.whole(lost))
  if record.cancel then
    ledger.settle(record, STATE.cancelled)
  elseif lost >= tonumber(ARGV[4]) then
    condemn(record, lost)
  else
    ledger.to_queue(record, messages)
  end
end

-- Of those who wait for their turn, one that was never sent fails once its time is up; one that may have
-- been is left to the worker that has it next. A closed school is no fault of the pace.
local function look_at_paced(record)
  local lasts = tonumber(ARGV[7])
  local ends = tonumber(record.paced) + lasts
  if ledger.school_of(record.school).state then
    ledger.park(record)
  elseif record.attempts or record.maybe_applied then
    ledger.put_off(record, ledger.now, ledger.now + lasts)
  elseif ends > ledger.now then
    ledger.put_off(record, ledger.now, ends)
  else
    ledger.put(record, 'reason', REASON.expired)
    ledger.put(record, 'message', 'it was never sent: its turn, by its pace, did not come in time; raise the pace or the time, and retry it')
    ledger.settle(record, STATE.failed)
  end
end

for _, id in ipairs(call('ZRANGEBYSCORE', KEY.due, '-inf', ledger.whole(ledger.now), 'LIMIT', 0, ARGV[2])) do
  local record = ledger.load(id)
  if not record then
    call('ZREM', KEY.due, id)
  elseif ledger.is_paced(record) then
    look_at_paced(record)
  elseif record.state == STATE.deferred then
    ledger.to_queue(record, messages)
  elseif ARGV[3] ~= '' then
    orphan(record)
  end
end
ledger.end_quiet(tonumber(ARGV[6]))
ledger.flush_all()
ledger.flush_paces()
return messages
