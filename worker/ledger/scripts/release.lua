-- Tells some of those who waited for what has settled, and were too many for the script that settled it.
-- KEYS: none
-- ARGV: now (ms or ''), how many to look at
-- answer: '1' if there are more, or '', then id, operation, priority, suspect ('1' or '') of each for
--         which a message must be sent
-- work: as many followers and lanes as asked for, 500 at most
local messages = { '' }
ledger.release(math.min(tonumber(ARGV[2]), LIMIT.followers_at_once), messages)
ledger.flush_all()
messages[1] = call('EXISTS', KEY.releasing) == 1 and '1' or ''
return messages
