-- Gives what follows a member of a sorted set in its order, whether that member is still there or not. Reads,
-- and changes nothing.
-- KEYS: none
-- ARGV: now (ms or ''; not used), the sorted set, the score and the member, how many at most
-- answer: members and scores in turn
-- work: as many members as asked for, and a look at one for each doubling of those with the same score
local key, score, passed, most = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

-- Says whether a member stands behind another of the same score: Redis compares bytes, Lua by the language.
local function is_behind(member, other)
  for i = 1, math.max(#member, #other) do
    local mine, its = string.byte(member, i) or -1, string.byte(other, i) or -1
    if mine ~= its then
      return mine > its
    end
  end
  return false
end

local low = redis.call('ZCOUNT', key, '-inf', '(' .. score)
local high = low + redis.call('ZCOUNT', key, score, score)
while low < high do
  local middle = math.floor((low + high) / 2)
  if is_behind(redis.call('ZRANGE', key, middle, middle)[1], passed) then
    high = middle
  else
    low = middle + 1
  end
end
return redis.call('ZRANGE', key, low, low + most - 1, 'WITHSCORES')
