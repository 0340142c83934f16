-- Writes into the audit trail what a person is about to change, also where Redis is full.
-- KEYS: none
-- ARGV: now (ms or ''; not used), who, what, about, why, then lists of ids (JSON): an entry for each
-- answer: how many entries were written
-- work: an entry for each text
redis.call('HDEL', KEY.counts, '')  -- so that it is noted even where Redis is full
for i = 6, #ARGV do
  redis.call('XADD', KEY.audit, '*', 'who', ARGV[2], 'what', ARGV[3], 'about', ARGV[4],
    'ids', ARGV[i], 'why', ARGV[5])
end
return #ARGV - 5
