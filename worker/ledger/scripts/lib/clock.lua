-- Shared by all scripts that go by time, put in front of each: what time it is. ARGV[1] is always now (ms
-- since 1970), or '' for this server's clock: one clock for all hosts. `clock.wall` is that time, as people
-- are told it. `clock.now` is the ledger's own, which leases, locks, paces and due times go by: it never
-- goes back. When the server's clock does, KEY.clock keeps by how much the ledger's time is ahead of it
-- from then on, for good: nobody but these scripts sees the difference, and all that waits goes on waiting
-- as long as it would have.
local clock = {}

-- A whole number as text, however large.
function clock.text(number)
  return string.format('%.0f', number)
end

-- Keeps something; a Redis that is full, or takes no writes, is for the rest of the script to meet.
local function keep(...)
  redis.pcall('HSET', KEY.clock, ...)
end

if ARGV[1] ~= '' then
  clock.wall = tonumber(ARGV[1])
else
  local time = redis.call('TIME')
  clock.wall = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local known = redis.call('HMGET', KEY.clock, 'seen', 'offset')
local offset, passed = tonumber(known[2]) or 0, clock.wall - (tonumber(known[1]) or clock.wall)
if passed < 0 then
  offset = offset - passed
  if -passed >= LIMIT.clock_step_told then
    keep('stepped_at', clock.text(clock.wall), 'stepped_by', clock.text(-passed))
  end
end
if passed < 0 or passed >= LIMIT.clock_noted_after or not known[1] then
  keep('seen', clock.text(clock.wall), 'offset', clock.text(offset))
end
clock.now = clock.wall + offset
