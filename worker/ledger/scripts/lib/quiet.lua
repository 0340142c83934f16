-- Shared by all scripts, put after ledger.lua in front of each that needs it: lanes that keep quiet. What
-- was sent last in a lane, and brought no answer, may still be carried out, later than what is sent next:
-- that would undo it. So the next record of the lane waits for a while (the late window, ms) from the
-- moment in KEY.quiet. The same record need not: it asks for the same once more.
local quieted = {}

-- Lets a record's lane keep quiet from now on.
function ledger.keep_quiet(record)
  if record.lane then
    quieted[record.lane] = ledger.now
    ledger.add(KEY.quiet, '', ledger.now_text, record.lane)
  end
end

-- Gives since when a lane keeps quiet; nil: it does not.
local function quiet_since(lane)
  if quieted[lane] then
    return quieted[lane]
  end
  if ledger.any_quiet == nil then
    ledger.any_quiet = call('EXISTS', KEY.quiet) == 1
  end
  return ledger.any_quiet and tonumber(call('ZSCORE', KEY.quiet, lane)) or nil
end

-- Gives until when a record waits because its lane keeps quiet; nil: it need not.
function ledger.quiet_until(record, window)
  if window == 0 or not record.lane or record.maybe_applied then
    return nil
  end
  local since = quiet_since(record.lane)
  if not since then
    return nil
  end
  if since > ledger.now then
    ledger.keep_quiet(record)  -- the clock was set back: nobody waits for longer than the window
    since = ledger.now
  end
  return since + window > ledger.now and since + window or nil
end

-- Forgets the lanes of which that is over.
function ledger.end_quiet(window)
  call('ZREMRANGEBYSCORE', KEY.quiet, '-inf', ledger.whole(ledger.now - window))
end
