-- Counts by state what a part of the events tells of, and gives those that somebody may have to look at.
-- KEYS: none
-- ARGV: from which event ('(' in front: behind it), until which, how many to look at, then the states of
--       which the events themselves are wanted
-- answer: the event behind which to go on ('' at the end), the counts (state, number and so on), and the
--         events that are wanted: their names, each with its fields as a flat list
-- work: as many events as asked for
local wanted, counts, flat, found = {}, {}, {}, {}
for i = 4, #ARGV do
  wanted[ARGV[i]] = true
end
local events = redis.call('XRANGE', KEY.events, ARGV[1], ARGV[2], 'COUNT', ARGV[3])
for _, event in ipairs(events) do
  local fields, state = event[2], nil
  for i = 1, #fields, 2 do
    if fields[i] == 'state' then
      state = fields[i + 1]
    end
  end
  counts[state] = (counts[state] or 0) + 1
  if wanted[state] then
    found[#found + 1] = event
  end
end
for state, number in pairs(counts) do
  flat[#flat + 1] = state
  flat[#flat + 1] = number
end
local more = #events == tonumber(ARGV[3]) and events[#events][1] or ''
return { more, flat, found }
