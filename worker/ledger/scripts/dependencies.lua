-- Says whom some records may need: whom they wait for, and what they try again, back to the first try.
-- All indexes of what is not settled are looked at in one step, so that nobody who goes from one to
-- another is overlooked; some sequences at a time.
-- KEYS: none
-- ARGV: now (ms or ''; not used), behind which sequence, how many of each index at most, then the indexes
-- answer: behind which sequence to go on ('' if nowhere), then the ids that are needed, each once
-- work: as many records of each index as asked for, each with those that it waits for and earlier tries
local first, most = '(' .. ARGV[2], tonumber(ARGV[3])
local found, last = {}, nil
for i = 4, #ARGV do
  local some = redis.call('ZRANGEBYSCORE', ARGV[i], first, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
  found[#found + 1] = some
  if #some == 2 * most then
    local sequence = tonumber(some[#some])
    last = last and math.min(last, sequence) or sequence
  end
end

local answer, needed = { last and string.format('%.0f', last) or '' }, {}
local function need(id)
  if not needed[id] then
    needed[id] = true
    answer[#answer + 1] = id
    return true
  end
end

for _, some in ipairs(found) do
  for i = 1, #some, 2 do
    if not last or tonumber(some[i + 1]) <= last then
      local after, origin = unpack(redis.call('HMGET', KEY.record .. some[i], 'after', 'retry_of'))
      for _, other in ipairs(list_in(after)) do
        need(other)
      end
      while origin and need(origin) do
        origin = redis.call('HGET', KEY.record .. origin, 'retry_of')
      end
    end
  end
end
return answer
