-- Records new operations, all or none. One that is recorded already stays as it is, so that a
-- submission whose answer was lost can be sent again; one whose dedup key is known is the record that
-- has it; a retry that came too late is the record that stands for it: the retry that was quicker, or
-- the record itself where there is nothing to try again (it is gone, under way, or succeeded since).
-- Where the queue lies beside the ledger, what is ready gets its message as well.
-- KEYS: none (the ledger lives in one database, not in a cluster)
-- ARGV: now (ms, or '' for the server's clock); the mailbox (JSON: single, several, most, and
--       lists: by priority its list and its number) or ''; the records (JSON), each a list of
--       id, operation, school, fields (JSON), lane or '', batch or '', source or '', and where
--       there is more to say an object of accepts ('1' if it accepts what exists already),
--       retry_of (the record that it tries again), last_retry (the last retry of that one that
--       the submitter knows of, if any), edits (JSON: what was changed for that), after (a list
--       of the ids that it waits for), stops_lane ('1' if its lane stops should it
--       fail), priority, dedup_key, key (digest of school and dedup key), asks (digest of what
--       is asked), row (where it stands in its file), refused (why it settles as failed/refused
--       at once), tells ('1' if somebody is to be told when its batch has settled), pieces (of
--       its files); then of all those pieces: NAME:NUMBER, base 64
-- answer: a text with a letter for each record: 'r' if it is new and the caller must send a message, 'n'
--         if it is new, 'a' if it was there and the caller must send a message, 'o' if it was there;
--         then for each for which another record stands, its position (from 1) and that record's id;
--         or 'conflict' or 'unknown', the position, and the id that has the key or that is not there;
--         then the same positions and ids
-- work: as many records as are handed in (in_redis.chunks: 500, 5000 that they wait for, 8 MB of files),
--       and their messages
local submitted = cjson.decode(ARGV[3])
local NOTHING = {}
local OPTIONS = { 'accepts', 'retry_of', 'edits', 'stops_lane', 'priority', 'dedup_key', 'dedup_scope', 'row', 'tells' }

-- Who has which dedup key and what it asks for, which ids are there or come earlier in this call, and
-- where records stand (false: there is none).
local owners, known, written = {}, {}, {}

-- Reads what Redis knows of the ids, dedup keys and lanes that are given. Most are new: that takes one
-- question each.
local lanes = {}
local function look_up()
  local ids, digests, digest_keys, lane_keys = {}, {}, {}, {}
  for i, each in ipairs(submitted) do
    ids[i] = ledger.record_key(each[1])
    local lane, key = each[5], each[8] and each[8].key
    if lane ~= '' and lanes[lane] == nil then
      lanes[lane] = false
      lane_keys[#lane_keys + 1] = KEY.lane .. lane
    end
    if key then
      digests[#digests + 1] = key
      digest_keys[#digest_keys + 1] = KEY.dedup .. key
    end
  end
  local any = #ids > 0 and call('EXISTS', unpack(ids)) > 0
  for i, each in ipairs(submitted) do
    written[each[1]] = any and call('HGET', ids[i], 'state')
  end
  if #lane_keys > 0 and call('EXISTS', unpack(lane_keys)) > 0 then
    for lane in pairs(lanes) do
      lanes[lane] = call('EXISTS', KEY.lane .. lane) == 1
    end
  end
  for i, found in ipairs(#digests > 0 and call('MGET', unpack(digest_keys)) or NOTHING) do
    owners[digests[i]] = found or nil
  end
end

-- Gives where a record stands, or how one ended that is kept no longer and had a dedup key; false if
-- there is none.
local function state_of(id)
  if written[id] == nil then
    written[id] = call('HGET', ledger.record_key(id), 'state') or call('GET', KEY.pruned .. id)
  end
  return written[id]
end

-- Who tries a record again, as far as this call has looked: false for nobody.
local last_retries = {}

-- Says who stands for a retry that comes too late; takes it down as the last one otherwise.
local function instead_of_retry(id, more)
  local origin, last = more.retry_of, last_retries[more.retry_of]
  if last == nil then
    local found = call('HMGET', ledger.record_key(origin), 'state', 'retried_by')
    if not ledger.SETTLED[found[1]] or found[1] == STATE.succeeded then
      return origin
    end
    last = found[2]
  end
  if last ~= (more.last_retry or false) then
    return last or origin
  end
  last_retries[origin] = id
end

-- Gives whose record stands for one that is submitted, its own or another; and a digest of what that
-- one asks for, where it has a dedup key.
local function owner_of(id, more)
  if more.key and owners[more.key] then
    return unpack(list_in(owners[more.key]))
  end
  local other = more.retry_of and not state_of(id) and instead_of_retry(id, more)
  if more.key and not other then
    owners[more.key] = cjson.encode({ id, more.asks })
  end
  return other or id, more.asks
end

-- Looks whether a record waits for one that is not there; gives which.
local function missing_of(more)
  for _, other in ipairs(more.after or NOTHING) do
    if not known[other] and not state_of(other) then
      return other
    end
  end
end

-- Counts what a new record waits for; gives the first that did not succeed, too.
local function waiting_for(ids, id)
  local waits, failed = 0, nil
  for _, other in ipairs(ids) do
    local state = state_of(other)
    if not ledger.SETTLED[state] then
      waits = waits + call('SADD', KEY.followers .. other, id)
    elseif not ledger.WELL[state] then
      failed = failed or other
    end
  end
  return waits, failed
end

-- Batches of which something new comes, and whether somebody is to be told of them.
local batches = {}

-- By batch, the kinds (school and operation, as JSON) of which something new comes.
local kinds = {}

-- Lists a new record in all indexes and counts.
local function list(id, operation, school, lane, batch, sequence, state, priority)
  ledger.add(KEY.all, '', sequence, id)
  ledger.list('operation', operation, sequence, id)
  ledger.list('school', school, sequence, id)
  ledger.list('state', state, sequence, id)
  ledger.count(operation, state, 1)
  ledger.tally(KEY.schools, school, 1)
  ledger.happen('submitted', school, operation)
  if batch ~= '' then
    ledger.list('batch', batch, sequence, id)
    ledger.tally(KEY.batch .. batch, state, 1)
    kinds[batch] = kinds[batch] or {}
    kinds[batch][cjson.encode({ school, operation })] = true
  end
  if lane ~= '' then
    ledger.add(KEY.lane, lane, sequence, id)
    lanes[lane] = true
  end
  if state == STATE.queued then
    ledger.add(KEY.queued, priority or PRIORITY.normal, ledger.now_text, id)
  end
end

-- Adds a field to those of a hash, unless it is empty.
local function append(hash, name, value)
  if value and value ~= '' then
    local n = #hash
    hash[n + 1], hash[n + 2] = name, value
  end
end

-- Writes one new record; gives where it stands. What is to fail at once is blocked until all are
-- written, so that those behind it in its lane stop with it.
local failing, names, crowded = {}, {}, {}
local function write_new(each, more, sequence)
  local id, operation, school, fields, lane, batch, source = unpack(each, 1, 7)
  local waits, failed = 0, nil
  if more.after and not more.refused then
    waits, failed = waiting_for(more.after, id)
  end
  local fails = failed or more.refused
  local blocked = waits > 0 or fails or lanes[lane]
  local state = blocked and STATE.blocked or STATE.queued
  local hash = {
    ledger.record_key(id), 'operation', operation, 'school', school, 'fields', fields, 'sequence', sequence,
    'enqueued_at', ledger.wall_text, 'state', state,
  }
  if lanes[lane] then
    crowded[lane] = true
  end
  append(hash, 'lane', lane)
  append(hash, 'batch', batch)
  append(hash, 'source', source)
  if more ~= NOTHING then
    append(hash, 'waits', waits > 0 and waits)
    append(hash, 'after', more.after and cjson.encode(more.after))
    for _, name in ipairs(OPTIONS) do
      append(hash, name, more[name])
    end
  end
  call('HSET', unpack(hash))
  list(id, operation, school, lane, batch, sequence, state, more.priority)
  if fails then
    failing[#failing + 1] = { id, failed or false, more.refused }
  end
  return state
end

-- Keeps a record's files, and what points at it.
local function write_more(id, more, from)
  for p = from, from + 2 * (more.pieces or 0) - 1, 2 do
    call('HSET', KEY.file .. id, ARGV[p], ARGV[p + 1])
  end
  if more.key then
    names[#names + 1] = KEY.dedup .. more.key
    names[#names + 1] = cjson.encode({ id, more.asks })
  end
  if more.retry_of then
    call('HSET', ledger.record_key(more.retry_of), 'retried_by', id)
    call('HDEL', ledger.record_key(more.retry_of), 'retry_ended')
  end
end

look_up()
local stands_for, others = {}, {}
local fault
for i, each in ipairs(submitted) do
  local id, more = each[1], each[8] or NOTHING
  local owner, asked = owner_of(id, more)
  stands_for[i] = owner
  if owner ~= id then
    others[#others + 1] = i
    others[#others + 1] = owner
  end
  local missing = not fault and missing_of(more)
  if not fault and asked ~= more.asks then
    fault = { 'conflict', i, owner }
  elseif missing then
    fault = { 'unknown', i, missing }
  end
  known[id] = known[id] or owner == id
end
if fault then
  return { fault[1], fault[2], fault[3], unpack(others) }
end

local sequence = math.max(ledger.wall * 1000, tonumber(call('GET', KEY.sequence)) or 0)
local before = sequence
local letters, ready, piece = {}, {}, 4
for i, each in ipairs(submitted) do
  local id, more, owner = each[1], each[8] or NOTHING, stands_for[i]
  local new = owner == id and not state_of(id)
  if new then
    sequence = sequence + 1
    written[id] = write_new(each, more, ledger.whole(sequence))
    if each[6] ~= '' then
      batches[each[6]] = batches[each[6]] or more.tells or false
    end
    if more ~= NOTHING then
      write_more(id, more, piece)
    end
  end
  local must = owner == id and written[id] == STATE.queued
  if must then
    ready[#ready + 1] = i
  end
  letters[i] = new and (must and 'r' or 'n') or (must and 'a' or 'o')
  piece = piece + 2 * (more.pieces or 0)
end

local mailbox = ARGV[2] ~= '' and cjson.decode(ARGV[2])

-- Fills the gaps of a message's text.
local function message(text, ids, operation, priority)
  sequence = sequence + 1
  local gaps = {
    ID = ids[1], IDS = '"' .. table.concat(ids, '", "') .. '"', OPERATION = operation,
    PRIORITY = mailbox.lists[priority][2], TAG = ledger.whole(sequence),
  }
  return (string.gsub(text, '@(%u+)@', gaps))
end

-- Puts the messages of those that are ready on the queue, the first first.
local function mail(priority, positions)
  local texts = {}
  for from = 1, #positions, mailbox.most do
    local ids = {}
    for i = from, math.min(from + mailbox.most - 1, #positions) do
      ids[#ids + 1] = submitted[positions[i]][1]
    end
    local text = #ids > 1 and mailbox.several or mailbox.single
    texts[#texts + 1] = message(text, ids, submitted[positions[from]][2], priority)
  end
  call('LPUSH', mailbox.lists[priority][1], unpack(texts))
end

-- Says whether an id can stand in a message as it is: only another Celery's could not.
local function is_plain(id)
  return not string.find(id, '[%c"\\]')
end

if mailbox then
  local by_priority = {}
  for _, i in ipairs(ready) do
    local each = submitted[i]
    if is_plain(each[1]) then
      local priority = each[8] and each[8].priority or PRIORITY.normal
      by_priority[priority] = by_priority[priority] or {}
      table.insert(by_priority[priority], i)
      letters[i] = letters[i] == 'r' and 'n' or 'o'
    end
  end
  for priority, positions in pairs(by_priority) do
    mail(priority, positions)
  end
end
if #names > 0 then
  call('MSET', unpack(names))
end
for lane in pairs(crowded) do
  call('ZADD', KEY.lanes, 'NX', ledger.wall_text, lane)
end
if sequence > before then
  call('SET', KEY.sequence, ledger.whole(sequence))
end
for batch, found in pairs(kinds) do
  for kind in pairs(found) do
    call('SADD', KEY.batch_kinds .. batch, kind)
  end
end
for batch, tells in pairs(batches) do
  if tells then
    ledger.go_on_with_batch(batch)
  else
    call('PERSIST', KEY.batch_about .. batch)
  end
end
ledger.flush()
for _, each in ipairs(failing) do
  local record, culprit, refused = ledger.load(each[1]), each[2], each[3]
  if culprit then
    ledger.fail_because(record, DEPENDENCY.after, culprit)
  else
    ledger.put(record, 'reason', REASON.refused)
    ledger.put(record, 'message', refused)
    ledger.settle(record, STATE.failed)
  end
end
ledger.flush_all()
return { table.concat(letters), unpack(others) }
