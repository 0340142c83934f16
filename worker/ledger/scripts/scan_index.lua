-- Walks an index by sequence, and finds what stands in the others as well. Reads, and changes nothing.
-- KEYS: none
-- ARGV: now (ms or ''; not used), '1' to begin with the oldest or '', the sequence to begin at, the sequence to
--       end at (both as ZRANGEBYSCORE takes them), how many to look at and how many to find at most, the
--       index, and the others
-- answer: the sequence of the last that was looked at ('': there are no more), then the ids that were found
-- work: as many ids as asked for, in each of the indexes
local command = ARGV[2] ~= '' and 'ZRANGEBYSCORE' or 'ZREVRANGEBYSCORE'
local start, looks, most, index = ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]

-- Says of each of these ids whether one of the others lacks it.
local function lacking(ids)
  local missing = {}
  for other = 8, #ARGV do
    for i, sequence in ipairs(redis.call('ZMSCORE', ARGV[other], unpack(ids))) do
      missing[i] = missing[i] or not sequence
    end
  end
  return missing
end

local answer, last = { '' }, nil
while looks > 0 and #answer <= most do
  local together = math.min(LIMIT.ids_at_once, looks, #ARGV > 7 and looks or most)
  local ids = redis.call(command, index, start, ARGV[4], 'LIMIT', 0, together)
  if #ids == 0 then
    return answer
  end
  local missing = lacking(ids)
  for i, id in ipairs(ids) do
    if #answer > most then
      break
    end
    last = id
    if not missing[i] then
      answer[#answer + 1] = id
    end
  end
  looks = looks - #ids
  if #ids < together and last == ids[#ids] then
    answer[1] = ''
    return answer
  end
  answer[1] = redis.call('ZSCORE', index, last)
  start = '(' .. answer[1]
end
return answer
