-- Takes settled records out of the ledger for good, with all that lists and counts them. A dedup key stays
-- for a while, and how its record ended with it. What it retried learns how it ended, too.
-- A record stays as long as others that are not settled may need it: those that were submitted after
-- the caller looked at who needs whom are looked at here.
-- KEYS: none
-- ARGV: now (ms or ''), the state they are in, settled before (ms), the sequence up to which the caller knows
--       who needs whom, how many newer ones are looked at here, how long dedup keys stay (s), then ids, each
--       with the digest of its dedup key or ''
-- answer: how many were taken out; -1 if there are too many newer ones: then none was
-- work: as many records as are named, 100, and as many newer ones as asked for, each with those that it
--       waits for and earlier tries
ledger.go_on_when_full()
local state, before, known_to, most = ARGV[2], tonumber(ARGV[3]), '(' .. ARGV[4], tonumber(ARGV[5])
local newer = call('ZRANGEBYSCORE', KEY.all, known_to, '+inf', 'LIMIT', 0, most + 1)
if #newer > most then
  return -1
end

local needed = {}
local function note_origins(id)
  while id and not needed[id] do
    needed[id] = true
    id = call('HGET', ledger.record_key(id), 'retry_of')
  end
end
for _, id in ipairs(newer) do
  local found = call('HMGET', ledger.record_key(id), 'after', 'retry_of')
  for _, other in ipairs(list_in(found[1])) do
    needed[other] = true
  end
  note_origins(found[2])
end

local function may_go(record)
  return record and record.state == state and tonumber(record.finished_at) < before
    and not needed[record.id] and call('EXISTS', KEY.followers .. record.id) == 0
end

-- Tells what it retried how it ended.
local function tell_origin(record)
  local origin = record.retry_of and ledger.load(record.retry_of)
  if origin and origin.retried_by == record.id then
    ledger.put(origin, 'retry_ended', record.retry_ended or state)
  end
end

-- What is said of a batch goes with the last of its records.
local batches, gone, named = {}, {}, {}
local function take_out(record, digest)
  local id = record.id
  ledger.remove(KEY.all, '', id)
  for _, property in ipairs(LIST.indexed) do
    if record[property] and property ~= 'code' then
      ledger.unlist(property, record[property], id)
    end
  end
  ledger.recode(record, record.code, nil)
  ledger.count(record.operation, state, -1)
  if record.batch then
    ledger.tally(KEY.batch .. record.batch, state, -1)
    batches[record.batch] = true
  end
  if digest ~= '' then
    named[#named + 1] = { id, digest }
  end
  tell_origin(record)
  gone[#gone + 1], gone[#gone + 2] = ledger.record_key(id), KEY.file .. id
  ledger.records[id] = nil  -- nothing more is to be written of it
end

local taken = 0
for i = 7, #ARGV, 2 do
  local record = ledger.load(ARGV[i])
  if may_go(record) then
    take_out(record, ARGV[i + 1])
    taken = taken + 1
  end
end
ledger.flush()
for _, each in ipairs(named) do
  call('SET', KEY.pruned .. each[1], state, 'EX', ARGV[6])
  call('EXPIRE', KEY.dedup .. each[2], ARGV[6])
end
for _, key in ipairs(gone) do
  call('DEL', key)
end
for batch in pairs(batches) do
  local about = KEY.batch_about .. batch
  local told = call('HGET', about, 'told')
  local is_told = not told or told == WEBHOOK.delivered or told == WEBHOOK.given_up
  if call('EXISTS', KEY.batch .. batch) == 0 then
    call('DEL', KEY.batch_kinds .. batch)
    if is_told then
      call('DEL', about)
    end
  end
end
return taken
